//! A backup opens with what anybody has at hand.

use std::fs;

use holdfast_testbed::backup::differences;
use holdfast_testbed::tree::{Size, generate, snapshot};
use holdfast_testbed::unzip::Reader;

use super::Bed;

#[test]
fn every_reader_gives_back_the_nasty_tree_as_far_as_it_can_carry_it() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    generate(&root, 21, Size::SMALL).expect("it can be made");
    let packed = snapshot(&root).expect("readable");
    let zip = bed.fetch(&bed.back_up(&root).key);
    let said: String = Reader::ALL.into_iter().map(|reader| differences(reader, &zip, &packed)).collect();
    assert_eq!(said, "");
}

#[test]
fn the_docs_say_what_each_reader_loses() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/backup-format.md");
    let text = fs::read_to_string(docs).expect("docs/backup-format.md is there");
    // A table's cell holds it on one line; elsewhere it may be broken.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for reader in Reader::ALL {
        for loss in reader.losses() {
            assert!(text.contains(loss), "docs/backup-format.md does not say of {reader}: {loss}");
        }
    }
}
