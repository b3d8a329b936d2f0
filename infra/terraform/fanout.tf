# Broadcasts to more than some 3,000 subscribers are dealt to workers: docs/explanation/fan-out.md
resource "aws_sqs_queue" "fanout_dead_letters" {
  name                      = "${local.prefix}-fanout-dead-letters"
  message_retention_seconds = 345600 # four days to look into them
  sqs_managed_sse_enabled   = var.kms_key_arn == "" ? true : null
  kms_master_key_id         = var.kms_key_arn == "" ? null : var.kms_key_arn
  tags                      = local.tags
}

resource "aws_lambda_function_event_invoke_config" "fanout" {
  function_name                = aws_lambda_function.this["fanout"].function_name
  qualifier                    = local.invoked["fanout"].qualifier
  maximum_retry_attempts       = 0  # who got the message would get it again
  maximum_event_age_in_seconds = 60 # a message that is older is no news
}
