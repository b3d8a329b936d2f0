# A stage of the system. Copy this folder, or call the module from where your infrastructure is.
terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region
}

module "gatepost" {
  source = "../"

  stage          = var.stage
  package        = "${path.module}/../../../build/functions.zip"
  tokens_package = "${path.module}/../../../build/tokens.zip"
  jwt_secret     = var.jwt_secret
}

variable "region" {
  description = "Region of everything."
  type        = string
  default     = "us-east-1"
}

variable "stage" {
  description = "Stage, which is part of the socket's URL."
  type        = string
  default     = "dev"
}

variable "jwt_secret" {
  description = "Secret of HS256 tokens: TF_VAR_jwt_secret."
  type        = string
  default     = ""
  sensitive   = true
}

output "socket_url" {
  description = "Where clients connect."
  value       = module.gatepost.socket_url
}

output "http_url" {
  description = "Where servers publish."
  value       = module.gatepost.http_url
}
