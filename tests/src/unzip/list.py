import calendar, hashlib, json, stat, sys, zipfile

with zipfile.ZipFile(sys.argv[1]) as archive:
    for member in archive.infolist():
        # What has no UTF-8 flag was decoded as CP437, which loses nothing.
        name = member.orig_filename.encode("utf-8" if member.flag_bits & 0x800 else "cp437")
        mode = member.external_attr >> 16
        kind = "l" if stat.S_ISLNK(mode) else "d" if member.is_dir() or stat.S_ISDIR(mode) else "f"
        facts = {"name": name.hex(), "kind": kind, "mode": mode & 0o7777, "size": member.file_size}
        facts["mtime"] = calendar.timegm(member.date_time + (0, 0, 0))
        with archive.open(member) as stream:
            if kind == "l":
                facts["target"] = stream.read().hex()
            elif kind == "f":
                digest = hashlib.sha256()
                while piece := stream.read(1 << 18):
                    digest.update(piece)
                facts["sha256"] = digest.hexdigest()
        print(json.dumps(facts))
