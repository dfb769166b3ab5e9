//! The actions of S3, as facts.
//!
//! From the [Service Authorization Reference](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html),
//! as the MIT-licensed package iam-data carried it in version 0.21.202609261: name, access level,
//! what it is done to, which of the usual condition keys it has, and which others. `+acl` stands
//! for the six keys of ACL headers.

use super::{
    Action,
    Level::{List, Permissions, Read, Tagging, Write},
    ResourceKind::{Account, Bucket, Object, Other},
    Usual::{All as Usual, NoPayload, None},
};

const fn row(
    name: &'static str,
    level: super::Level,
    resource: super::ResourceKind,
    usual: super::Usual,
    keys: &'static str,
) -> Action {
    Action { name, level, resource, usual, keys }
}

#[rustfmt::skip]
pub(super) const S3: &[Action] = &[
    row("s3:AbortMultipartUpload", Write, Object, Usual, "s3:AccessGrantsInstanceArn"),
    row("s3:AllowVendedLogDeliveryForResource", Read, Bucket, None, "s3:deliverySourceArn s3:logType \
        s3:resourceArnBeingAuthorized"),
    row("s3:AssociateAccessGrantsIdentityCenter", Permissions, Other, Usual, "aws:ResourceTag/*"),
    row("s3:BypassGovernanceRetention", Permissions, Object, Usual, "+acl s3:RequestObjectTag/* \
        s3:RequestObjectTagKeys s3:x-amz-copy-source s3:x-amz-metadata-directive s3:x-amz-server-side-encryption \
        s3:x-amz-server-side-encryption-aws-kms-key-id s3:x-amz-server-side-encryption-customer-algorithm \
        s3:x-amz-storage-class s3:x-amz-website-redirect-location"),
    row("s3:CreateAccessGrant", Permissions, Other, Usual, "aws:RequestTag/* aws:ResourceTag/* aws:TagKeys \
        s3:AccessGrantScope"),
    row("s3:CreateAccessGrantsInstance", Permissions, Other, Usual, "aws:RequestTag/* aws:ResourceTag/* aws:TagKeys"),
    row("s3:CreateAccessGrantsLocation", Permissions, Other, Usual, "aws:RequestTag/* aws:ResourceTag/* aws:TagKeys \
        s3:AccessGrantsLocationScope"),
    row("s3:CreateAccessPoint", Write, Other, Usual, "aws:RequestTag/* aws:ResourceTag/* aws:TagKeys \
        s3:AccessPointNetworkOrigin s3:AccessPointTag/* s3:DataAccessPointAccount s3:DataAccessPointArn \
        s3:locationconstraint s3:x-amz-acl"),
    row("s3:CreateAccessPointForObjectLambda", Write, Other, Usual, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:CreateBucket", Write, Bucket, Usual, "+acl aws:RequestTag/* aws:TagKeys s3:locationconstraint \
        s3:x-amz-bucket-namespace s3:x-amz-object-ownership"),
    row("s3:CreateBucketMetadataTableConfiguration", Write, Bucket, Usual, ""),
    row("s3:CreateJob", Write, Account, Usual, "aws:RequestTag/* aws:TagKeys s3:RequestJobOperation \
        s3:RequestJobPriority"),
    row("s3:CreateMultiRegionAccessPoint", Write, Other, NoPayload, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:CreateStorageLensGroup", Write, Account, Usual, "aws:RequestTag/* aws:TagKeys"),
    row("s3:DeleteAccessGrant", Permissions, Other, Usual, "aws:ResourceTag/* s3:AccessGrantScope"),
    row("s3:DeleteAccessGrantsInstance", Permissions, Other, Usual, "aws:ResourceTag/*"),
    row("s3:DeleteAccessGrantsInstanceResourcePolicy", Permissions, Other, Usual, "aws:ResourceTag/*"),
    row("s3:DeleteAccessGrantsLocation", Permissions, Other, Usual, "aws:ResourceTag/* s3:AccessGrantsLocationScope"),
    row("s3:DeleteAccessPoint", Write, Other, Usual, "aws:ResourceTag/* s3:AccessPointNetworkOrigin \
        s3:AccessPointTag/* s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:DeleteAccessPointForObjectLambda", Write, Other, Usual, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:DeleteAccessPointPolicy", Permissions, Other, Usual, "aws:ResourceTag/* s3:AccessPointNetworkOrigin \
        s3:AccessPointTag/* s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:DeleteAccessPointPolicyForObjectLambda", Permissions, Other, Usual, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:DeleteBucket", Write, Bucket, Usual, ""),
    row("s3:DeleteBucketMetadataTableConfiguration", Write, Bucket, Usual, ""),
    row("s3:DeleteBucketPolicy", Permissions, Bucket, Usual, ""),
    row("s3:DeleteBucketWebsite", Write, Bucket, Usual, ""),
    row("s3:DeleteJobTagging", Tagging, Other, Usual, "s3:ExistingJobOperation s3:ExistingJobPriority"),
    row("s3:DeleteMultiRegionAccessPoint", Write, Other, NoPayload, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:DeleteObject", Write, Object, Usual, "s3:AccessGrantsInstanceArn s3:if-match"),
    row("s3:DeleteObjectAnnotation", Write, Object, Usual, "s3:ExistingObjectTag/* s3:x-amz-object-if-match"),
    row("s3:DeleteObjectTagging", Tagging, Object, Usual, "s3:ExistingObjectTag/*"),
    row("s3:DeleteObjectVersion", Write, Object, Usual, "s3:AccessGrantsInstanceArn s3:versionid"),
    row("s3:DeleteObjectVersionAnnotation", Write, Object, Usual, "s3:ExistingObjectTag/* s3:versionid \
        s3:x-amz-object-if-match"),
    row("s3:DeleteObjectVersionTagging", Tagging, Object, Usual, "s3:ExistingObjectTag/* s3:versionid"),
    row("s3:DeleteStorageLensConfiguration", Write, Other, Usual, ""),
    row("s3:DeleteStorageLensConfigurationTagging", Tagging, Other, Usual, ""),
    row("s3:DeleteStorageLensGroup", Write, Other, Usual, ""),
    row("s3:DescribeJob", Read, Other, Usual, ""),
    row("s3:DescribeMultiRegionAccessPointOperation", Read, Other, NoPayload, ""),
    row("s3:DissociateAccessGrantsIdentityCenter", Permissions, Other, Usual, "aws:ResourceTag/*"),
    row("s3:GetAccelerateConfiguration", Read, Bucket, Usual, ""),
    row("s3:GetAccessGrant", Read, Other, Usual, "aws:ResourceTag/* s3:AccessGrantScope"),
    row("s3:GetAccessGrantsInstance", Read, Other, Usual, "aws:ResourceTag/*"),
    row("s3:GetAccessGrantsInstanceForPrefix", Read, Other, Usual, "aws:ResourceTag/*"),
    row("s3:GetAccessGrantsInstanceResourcePolicy", Read, Other, Usual, "aws:ResourceTag/*"),
    row("s3:GetAccessGrantsLocation", Read, Other, Usual, "aws:ResourceTag/* s3:AccessGrantsLocationScope"),
    row("s3:GetAccessPoint", Read, Account, Usual, "aws:ResourceTag/* s3:AccessPointNetworkOrigin \
        s3:AccessPointTag/* s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetAccessPointConfigurationForObjectLambda", Read, Other, Usual, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetAccessPointForObjectLambda", Read, Other, Usual, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetAccessPointPolicy", Read, Other, Usual, "aws:ResourceTag/* s3:AccessPointNetworkOrigin \
        s3:AccessPointTag/* s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetAccessPointPolicyForObjectLambda", Read, Other, Usual, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetAccessPointPolicyStatus", Read, Other, Usual, "aws:ResourceTag/* s3:AccessPointNetworkOrigin \
        s3:AccessPointTag/* s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetAccessPointPolicyStatusForObjectLambda", Read, Other, Usual, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetAccountPublicAccessBlock", Read, Account, Usual, ""),
    row("s3:GetAnalyticsConfiguration", Read, Bucket, Usual, ""),
    row("s3:GetBucketAbac", Read, Bucket, Usual, ""),
    row("s3:GetBucketAcl", Read, Bucket, Usual, ""),
    row("s3:GetBucketCORS", Read, Bucket, Usual, ""),
    row("s3:GetBucketLocation", Read, Bucket, Usual, ""),
    row("s3:GetBucketLogging", Read, Bucket, Usual, ""),
    row("s3:GetBucketMetadataTableConfiguration", Read, Bucket, Usual, ""),
    row("s3:GetBucketNotification", Read, Bucket, Usual, ""),
    row("s3:GetBucketObjectLockConfiguration", Read, Bucket, NoPayload, ""),
    row("s3:GetBucketOwnershipControls", Read, Bucket, Usual, ""),
    row("s3:GetBucketPolicy", Read, Bucket, Usual, ""),
    row("s3:GetBucketPolicyStatus", Read, Bucket, Usual, ""),
    row("s3:GetBucketPublicAccessBlock", Read, Bucket, Usual, ""),
    row("s3:GetBucketRequestPayment", Read, Bucket, Usual, ""),
    row("s3:GetBucketTagging", Read, Bucket, Usual, ""),
    row("s3:GetBucketVersioning", Read, Bucket, Usual, ""),
    row("s3:GetBucketWebsite", Read, Bucket, Usual, ""),
    row("s3:GetDataAccess", Read, Other, Usual, "aws:ResourceTag/*"),
    row("s3:GetEncryptionConfiguration", Read, Bucket, Usual, ""),
    row("s3:GetIntelligentTieringConfiguration", Read, Bucket, Usual, ""),
    row("s3:GetInventoryConfiguration", Read, Bucket, Usual, ""),
    row("s3:GetJobTagging", Read, Other, Usual, ""),
    row("s3:GetLifecycleConfiguration", Read, Bucket, Usual, ""),
    row("s3:GetMetricsConfiguration", Read, Bucket, Usual, ""),
    row("s3:GetMultiRegionAccessPoint", Read, Other, NoPayload, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetMultiRegionAccessPointPolicy", Read, Other, NoPayload, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetMultiRegionAccessPointPolicyStatus", Read, Other, NoPayload, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetMultiRegionAccessPointRoutes", Read, Other, NoPayload, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:GetObject", Read, Object, Usual, "s3:AccessGrantsInstanceArn s3:ExistingObjectTag/*"),
    row("s3:GetObjectAcl", Read, Object, Usual, "s3:AccessGrantsInstanceArn s3:ExistingObjectTag/*"),
    row("s3:GetObjectAnnotation", Read, Object, Usual, "s3:ExistingObjectTag/*"),
    row("s3:GetObjectAttributes", Read, Object, Usual, "s3:ExistingObjectTag/*"),
    row("s3:GetObjectLegalHold", Read, Object, Usual, ""),
    row("s3:GetObjectRetention", Read, Object, Usual, ""),
    row("s3:GetObjectTagging", Read, Object, Usual, "s3:ExistingObjectTag/*"),
    row("s3:GetObjectTorrent", Read, Object, Usual, ""),
    row("s3:GetObjectVersion", Read, Object, Usual, "s3:AccessGrantsInstanceArn s3:ExistingObjectTag/* s3:versionid"),
    row("s3:GetObjectVersionAcl", Read, Object, Usual, "s3:AccessGrantsInstanceArn s3:ExistingObjectTag/* \
        s3:versionid"),
    row("s3:GetObjectVersionAnnotation", Read, Object, Usual, "s3:ExistingObjectTag/* s3:versionid"),
    row("s3:GetObjectVersionAnnotationForReplication", Read, Object, Usual, ""),
    row("s3:GetObjectVersionAttributes", Read, Object, Usual, "s3:ExistingObjectTag/* s3:versionid"),
    row("s3:GetObjectVersionForReplication", Read, Object, Usual, ""),
    row("s3:GetObjectVersionTagging", Read, Object, Usual, "s3:ExistingObjectTag/* s3:versionid"),
    row("s3:GetObjectVersionTorrent", Read, Object, Usual, "s3:versionid"),
    row("s3:GetReplicationConfiguration", Read, Bucket, Usual, ""),
    row("s3:GetStorageLensConfiguration", Read, Other, Usual, ""),
    row("s3:GetStorageLensConfigurationTagging", Read, Other, Usual, ""),
    row("s3:GetStorageLensDashboard", Read, Other, Usual, ""),
    row("s3:GetStorageLensGroup", Read, Other, Usual, ""),
    row("s3:InitiateReplication", Write, Object, None, "s3:ResourceAccount"),
    row("s3:ListAccessGrants", List, Other, Usual, "aws:ResourceTag/*"),
    row("s3:ListAccessGrantsInstances", List, Account, Usual, ""),
    row("s3:ListAccessGrantsLocations", List, Other, Usual, "aws:ResourceTag/*"),
    row("s3:ListAccessPoints", List, Account, Usual, ""),
    row("s3:ListAccessPointsForObjectLambda", List, Account, Usual, ""),
    row("s3:ListAllMyBuckets", List, Account, Usual, ""),
    row("s3:ListBucket", List, Bucket, Usual, "s3:AccessGrantsInstanceArn s3:delimiter s3:max-keys s3:prefix"),
    row("s3:ListBucketMultipartUploads", List, Bucket, Usual, "aws:ResourceTag/* s3:AccessGrantsInstanceArn \
        s3:AccessPointNetworkOrigin s3:AccessPointTag/* s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:ListBucketVersions", List, Bucket, Usual, "s3:AccessGrantsInstanceArn s3:delimiter s3:max-keys \
        s3:prefix"),
    row("s3:ListCallerAccessGrants", List, Other, Usual, "aws:ResourceTag/*"),
    row("s3:ListJobs", List, Account, Usual, ""),
    row("s3:ListMultiRegionAccessPoints", List, Account, NoPayload, ""),
    row("s3:ListMultipartUploadParts", List, Object, Usual, "s3:AccessGrantsInstanceArn"),
    row("s3:ListObjectAnnotations", List, Object, Usual, "s3:ExistingObjectTag/* s3:annotation-prefix \
        s3:max-annotation-results"),
    row("s3:ListObjectVersionAnnotations", List, Object, Usual, "s3:ExistingObjectTag/* s3:annotation-prefix \
        s3:max-annotation-results s3:versionid"),
    row("s3:ListStorageLensConfigurations", List, Account, Usual, ""),
    row("s3:ListStorageLensGroups", List, Account, Usual, ""),
    row("s3:ListTagsForResource", List, Bucket, Usual, ""),
    row("s3:ObjectOwnerOverrideToBucketOwner", Permissions, Object, Usual, ""),
    row("s3:PauseReplication", Write, Bucket, Usual, "s3:destinationRegion"),
    row("s3:PutAccelerateConfiguration", Write, Bucket, Usual, ""),
    row("s3:PutAccessGrantsInstanceResourcePolicy", Permissions, Other, Usual, "aws:ResourceTag/*"),
    row("s3:PutAccessPointConfigurationForObjectLambda", Write, Other, Usual, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:PutAccessPointPolicy", Permissions, Other, Usual, ""),
    row("s3:PutAccessPointPolicyForObjectLambda", Permissions, Other, Usual, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:PutAccessPointPublicAccessBlock", Permissions, Account, None, ""),
    row("s3:PutAccountPublicAccessBlock", Permissions, Account, Usual, ""),
    row("s3:PutAnalyticsConfiguration", Write, Bucket, Usual, ""),
    row("s3:PutBucketAbac", Write, Bucket, Usual, ""),
    row("s3:PutBucketAcl", Permissions, Bucket, Usual, "+acl"),
    row("s3:PutBucketCORS", Write, Bucket, Usual, ""),
    row("s3:PutBucketLogging", Write, Bucket, Usual, ""),
    row("s3:PutBucketNotification", Write, Bucket, Usual, ""),
    row("s3:PutBucketObjectLockConfiguration", Write, Bucket, NoPayload, ""),
    row("s3:PutBucketOwnershipControls", Permissions, Bucket, Usual, ""),
    row("s3:PutBucketPolicy", Permissions, Bucket, Usual, ""),
    row("s3:PutBucketPublicAccessBlock", Permissions, Bucket, Usual, ""),
    row("s3:PutBucketRequestPayment", Write, Bucket, Usual, ""),
    row("s3:PutBucketTagging", Tagging, Bucket, Usual, ""),
    row("s3:PutBucketVersioning", Write, Bucket, Usual, ""),
    row("s3:PutBucketWebsite", Write, Bucket, Usual, ""),
    row("s3:PutEncryptionConfiguration", Write, Bucket, Usual, ""),
    row("s3:PutIntelligentTieringConfiguration", Write, Bucket, Usual, ""),
    row("s3:PutInventoryConfiguration", Write, Bucket, Usual, "s3:InventoryAccessibleOptionalFields"),
    row("s3:PutJobTagging", Tagging, Other, Usual, "aws:RequestTag/* aws:TagKeys s3:ExistingJobOperation \
        s3:ExistingJobPriority"),
    row("s3:PutLifecycleConfiguration", Write, Bucket, Usual, ""),
    row("s3:PutMetricsConfiguration", Write, Bucket, Usual, ""),
    row("s3:PutMultiRegionAccessPointPolicy", Permissions, Other, NoPayload, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:PutObject", Write, Object, Usual, "+acl s3:AccessGrantsInstanceArn s3:ObjectCreationOperation \
        s3:RequestObjectTag/* s3:RequestObjectTagKeys s3:if-match s3:if-none-match s3:object-lock-event-hold \
        s3:object-lock-event-hold-duration-days s3:object-lock-legal-hold s3:object-lock-mode \
        s3:object-lock-remaining-retention-days s3:object-lock-retain-until-date s3:x-amz-copy-source \
        s3:x-amz-metadata-directive s3:x-amz-object-annotation-directive s3:x-amz-server-side-encryption \
        s3:x-amz-server-side-encryption-aws-kms-key-id s3:x-amz-server-side-encryption-customer-algorithm \
        s3:x-amz-storage-class s3:x-amz-website-redirect-location"),
    row("s3:PutObjectAcl", Permissions, Object, Usual, "+acl s3:AccessGrantsInstanceArn s3:ExistingObjectTag/* \
        s3:x-amz-storage-class"),
    row("s3:PutObjectAnnotation", Write, Object, Usual, "s3:ExistingObjectTag/* s3:x-amz-object-if-match"),
    row("s3:PutObjectLegalHold", Write, Object, Usual, "s3:object-lock-legal-hold"),
    row("s3:PutObjectRetention", Write, Object, Usual, "s3:object-lock-event-hold \
        s3:object-lock-event-hold-duration-days s3:object-lock-mode s3:object-lock-remaining-retention-days \
        s3:object-lock-retain-until-date"),
    row("s3:PutObjectTagging", Tagging, Object, Usual, "s3:ExistingObjectTag/* s3:RequestObjectTag/* \
        s3:RequestObjectTagKeys"),
    row("s3:PutObjectVersionAcl", Permissions, Object, Usual, "+acl s3:AccessGrantsInstanceArn \
        s3:ExistingObjectTag/* s3:versionid s3:x-amz-storage-class"),
    row("s3:PutObjectVersionAnnotation", Write, Object, Usual, "s3:ExistingObjectTag/* s3:versionid \
        s3:x-amz-object-if-match"),
    row("s3:PutObjectVersionTagging", Tagging, Object, Usual, "s3:ExistingObjectTag/* s3:RequestObjectTag/* \
        s3:RequestObjectTagKeys s3:versionid"),
    row("s3:PutReplicationConfiguration", Write, Bucket, Usual, "s3:isReplicationPauseRequest"),
    row("s3:PutStorageLensConfiguration", Write, Account, Usual, "aws:RequestTag/* aws:TagKeys"),
    row("s3:PutStorageLensConfigurationTagging", Tagging, Other, Usual, "aws:RequestTag/* aws:TagKeys"),
    row("s3:ReplicateDelete", Write, Object, Usual, ""),
    row("s3:ReplicateObject", Write, Object, Usual, "s3:object-lock-event-hold \
        s3:object-lock-event-hold-duration-days s3:x-amz-server-side-encryption \
        s3:x-amz-server-side-encryption-aws-kms-key-id s3:x-amz-server-side-encryption-customer-algorithm"),
    row("s3:ReplicateObjectAnnotation", Write, Object, Usual, ""),
    row("s3:ReplicateTags", Tagging, Object, Usual, ""),
    row("s3:RestoreObject", Write, Object, Usual, ""),
    row("s3:SubmitMultiRegionAccessPointRoutes", Write, Other, NoPayload, "s3:AccessPointNetworkOrigin \
        s3:DataAccessPointAccount s3:DataAccessPointArn"),
    row("s3:TagResource", Tagging, Bucket, Usual, "aws:RequestTag/* aws:TagKeys"),
    row("s3:UntagResource", Tagging, Bucket, Usual, "aws:TagKeys"),
    row("s3:UpdateAccessGrantsLocation", Permissions, Other, Usual, "aws:ResourceTag/* s3:AccessGrantsLocationScope"),
    row("s3:UpdateBucketMetadataAnnotationTableConfiguration", Write, Bucket, Usual, ""),
    row("s3:UpdateBucketMetadataInventoryTableConfiguration", Write, Bucket, Usual, ""),
    row("s3:UpdateBucketMetadataJournalTableConfiguration", Write, Bucket, Usual, ""),
    row("s3:UpdateJobPriority", Write, Other, Usual, "s3:ExistingJobOperation s3:ExistingJobPriority \
        s3:RequestJobPriority"),
    row("s3:UpdateJobStatus", Write, Other, Usual, "s3:ExistingJobOperation s3:ExistingJobPriority \
        s3:JobSuspendedCause"),
    row("s3:UpdateObjectEncryption", Write, Object, Usual, "s3:ExistingObjectTag/* s3:x-amz-server-side-encryption \
        s3:x-amz-server-side-encryption-aws-kms-key-id"),
    row("s3:UpdateStorageLensGroup", Write, Other, Usual, ""),
];
