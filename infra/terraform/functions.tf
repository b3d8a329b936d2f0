locals {
  # What each function adds to what all have. Its role is in permissions.tf.
  functions = {
    authorizer = { timeout_s = 10, verifies_tokens = true, reaches_connections = false }
    connect    = { timeout_s = 10, verifies_tokens = false, reaches_connections = false }
    # It tells who stays, as message does.
    disconnect = { timeout_s = 29, verifies_tokens = false, reaches_connections = true }
    # The gateway waits no longer; a large broadcast may need it.
    message = { timeout_s = 29, verifies_tokens = false, reaches_connections = true }
    api     = { timeout_s = 29, verifies_tokens = true, reaches_connections = true }
    refresh = { timeout_s = 29, verifies_tokens = true, reaches_connections = true }
  }

  verifies_tokens = {
    JWT_SECRET   = var.jwt_secret
    JWT_JWKS_URL = var.jwt_jwks_url
    JWT_AUDIENCE = var.jwt_audience
    JWT_ISSUER   = var.jwt_issuer
    ORIGINS      = join(",", var.origins)
  }
  reaches_connections = {
    # botocore's own setting for the management API's endpoint.
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI = local.callback_url
  }
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name    = "${local.prefix}-${each.key}"
  handler          = "functions/${each.key}.handler"
  runtime          = "python3.13"
  architectures    = ["arm64"]
  role             = aws_iam_role.this[each.key].arn
  filename         = each.value.verifies_tokens ? var.tokens_package : var.package
  source_code_hash = filebase64sha256(each.value.verifies_tokens ? var.tokens_package : var.package)
  memory_size      = var.memory_mb
  timeout          = each.value.timeout_s

  environment {
    variables = merge(
      { TABLE_NAME = aws_dynamodb_table.this.name },
      each.value.verifies_tokens ? local.verifies_tokens : {},
      each.value.reaches_connections ? local.reaches_connections : {},
      each.key == "api" ? { API_KEYS = join(" ", var.api_keys) } : {},
    )
  }

  tags       = var.tags
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

# Made before the function's first line, which would make one that is kept for ever.
resource "aws_cloudwatch_log_group" "this" {
  for_each = local.functions

  name              = "/aws/lambda/${local.prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}
