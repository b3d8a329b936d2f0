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
}

output "dev" {
  value     = module.dev
  sensitive = true
}

output "prod" {
  value     = module.prod
  sensitive = true
}
