# The zips go up once each, not once a function: by way of a bucket, as the framework does it.
locals {
  packages = { functions = var.package, tokens = var.tokens_package }
}

resource "aws_s3_bucket" "package" {
  bucket_prefix = "${local.prefix}-"
  force_destroy = true # what it holds is made from the sources
  tags          = local.tags
}

resource "aws_s3_bucket_public_access_block" "package" {
  bucket                  = aws_s3_bucket.package.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_object" "package" {
  for_each = local.packages

  bucket      = aws_s3_bucket.package.id
  key         = "${each.key}.zip"
  source      = each.value
  source_hash = filesha256(each.value)
  tags        = local.tags
}
