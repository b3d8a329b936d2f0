locals {
  # What each function adds to what all have. Its role is in permissions.tf.
  functions = {
    authorizer = { timeout_s = 10, verifies_tokens = true, environment = "none" }
    connect    = { timeout_s = 10, verifies_tokens = false, environment = "none" }
    # It tells who stays, as message does.
    disconnect = { timeout_s = 29, verifies_tokens = false, environment = "connections" }
    # The gateway waits no longer; a large broadcast may need it.
    message = { timeout_s = 29, verifies_tokens = false, environment = "channels" }
    # Its work is handed on after 12 s. No route leads to it: message, api and itself invoke it.
    fanout  = { timeout_s = 29, verifies_tokens = false, environment = "channels" }
    api     = { timeout_s = 29, verifies_tokens = true, environment = "channels" }
    refresh = { timeout_s = 29, verifies_tokens = true, environment = "connections" }
  }
  fanout_memory_mb = 1769 # a whole virtual CPU

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
  reaches_channels = merge(local.reaches_connections, {
    FANOUT_FUNCTION = local.fanout_name
    FANOUT_QUOTA    = tostring(var.fanout_quota)
    FANOUT_SHARE    = tostring(var.fanout_share)
    FANOUT_WORKERS  = tostring(var.fanout_workers)
  })
  environments = {
    none        = {}
    connections = local.reaches_connections
    channels    = local.reaches_channels
  }
  # By name, not by reference: it invokes itself.
  fanout_name = "${local.prefix}-fanout${var.snap_start ? ":snapstart" : ""}"
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name    = "${local.prefix}-${each.key}"
  handler          = "functions/${each.key}.handler"
  runtime          = "python3.13"
  architectures    = ["arm64"]
  role             = aws_iam_role.this[each.key].arn
  s3_bucket        = aws_s3_bucket.package.id
  s3_key           = aws_s3_object.package[each.value.verifies_tokens ? "tokens" : "functions"].key
  source_code_hash = filebase64sha256(each.value.verifies_tokens ? var.tokens_package : var.package)
  memory_size      = each.key == "fanout" ? local.fanout_memory_mb : var.memory_mb
  timeout          = each.value.timeout_s
  kms_key_arn      = var.kms_key_arn == "" ? null : var.kms_key_arn
  publish          = var.snap_start

  reserved_concurrent_executions = each.key == "fanout" ? coalesce(var.fanout_reserved_concurrency, -1) : -1

  dynamic "dead_letter_config" {
    for_each = each.key == "fanout" ? [aws_sqs_queue.fanout_dead_letters.arn] : []

    content {
      target_arn = dead_letter_config.value
    }
  }

  logging_config {
    log_format = "JSON"
  }

  dynamic "snap_start" {
    for_each = var.snap_start ? ["PublishedVersions"] : []

    content {
      apply_on = snap_start.value
    }
  }

  dynamic "tracing_config" {
    for_each = var.tracing ? ["Active"] : []

    content {
      mode = tracing_config.value
    }
  }

  environment {
    variables = merge(
      { TABLE_NAME = aws_dynamodb_table.this.name, METRICS_APPLICATION = local.prefix },
      each.value.verifies_tokens ? local.verifies_tokens : {},
      local.environments[each.value.environment],
      each.key == "api" ? { API_KEYS = join(" ", var.api_keys) } : {},
    )
  }

  tags       = local.tags
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

# A snapshot is of a published version: whoever invokes a function does so by its alias then.
resource "aws_lambda_alias" "live" {
  for_each = var.snap_start ? local.functions : {}

  name             = "snapstart" # as the framework calls it
  function_name    = aws_lambda_function.this[each.key].function_name
  function_version = aws_lambda_function.this[each.key].version
}

locals {
  invoked = {
    for key in keys(local.functions) : key => {
      arn        = var.snap_start ? aws_lambda_alias.live[key].arn : aws_lambda_function.this[key].arn
      invoke_arn = var.snap_start ? aws_lambda_alias.live[key].invoke_arn : aws_lambda_function.this[key].invoke_arn
      qualifier  = var.snap_start ? aws_lambda_alias.live[key].name : null
    }
  }
}

# Made before the function's first line, which would make one that is kept for ever.
resource "aws_cloudwatch_log_group" "this" {
  for_each = local.functions

  name              = "/aws/lambda/${local.prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn == "" ? null : var.kms_key_arn
  tags              = local.tags
}
