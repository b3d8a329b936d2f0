# Both stages as docs/how-to/deploy-with-terraform.md has them, and as serverless.yml has them.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {}

module "dev" {
  source = "../infra/terraform"

  stage          = "dev"
  package        = "../build/functions.zip"
  tokens_package = "../build/tokens.zip"
}

module "prod" {
  source = "../infra/terraform"

  stage          = "prod"
  package        = "../build/functions.zip"
  tokens_package = "../build/tokens.zip"

  account_log_role = false # dev's is the account's
}

# Every option at once.
module "options" {
  source = "../infra/terraform"

  stage          = "options"
  package        = "../build/functions.zip"
  tokens_package = "../build/tokens.zip"

  account_log_role            = false
  alarm_email                 = "oncall@example.com"
  alarm_limits                = { errors = 1 }
  alarms                      = true
  deletion_protection         = false
  detailed_metrics            = true
  fanout_quota                = 2500
  fanout_share                = 0.5
  fanout_workers              = 2
  fanout_reserved_concurrency = 2
  identity_source             = ["route.request.querystring.token"]
  kms_key_arn                 = aws_kms_key.own.arn
  memory_mb                   = 512
  point_in_time_recovery      = true
  route_throttles             = { "$connect" = { rate_limit = 100, burst_limit = 50 } }
  snap_start                  = true
  tags                        = { team = "chat" }
  tracing                     = true

  domain = {
    name            = "ws.example.com"
    certificate_arn = aws_acm_certificate.own.arn
    mapping_key     = "chat"
    zone            = { id = aws_route53_zone.own.zone_id }
    only            = true
  }
}

resource "aws_kms_key" "own" {
  deletion_window_in_days = 7
}

resource "aws_acm_certificate" "own" {
  domain_name       = "ws.example.com"
  validation_method = "DNS"
}

resource "aws_route53_zone" "own" {
  name = "example.com"
}

output "dev" {
  value     = module.dev
  sensitive = true
}

output "prod" {
  value     = module.prod
  sensitive = true
}
