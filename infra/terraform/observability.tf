# Alarms, the topic that they tell, and a dashboard. What each alarm means and what to do:
# docs/how-to/operate.md. No data is no alarm: most of these metrics are only written when something
# happens.
locals {
  has_alarms = var.alarms == null ? local.is_prod : var.alarms
  # In five minutes.
  limits = merge(var.alarm_limits, {
    errors    = coalesce(var.alarm_limits.errors, local.is_prod ? 5 : 20)
    throttles = coalesce(var.alarm_limits.throttles, local.is_prod ? 0 : 20)
  })

  of_function = { for key in keys(local.functions) : key => { FunctionName = aws_lambda_function.this[key].function_name } }
  of_socket   = { ApiId = aws_apigatewayv2_api.socket.id, Stage = var.stage }
  of_table    = { TableName = aws_dynamodb_table.this.name }
  of_own      = { Application = local.prefix }

  alarms = merge(
    # Invocations that raised or ran out of time.
    { for key, each in local.of_function : "${key}-errors" => ["AWS/Lambda", "Errors", each, local.limits.errors] },
    # Invocations refused for want of concurrency. The worker's wait: fanout-age has those.
    { for key, each in local.of_function : "${key}-throttles" => ["AWS/Lambda", "Throttles", each, local.limits.throttles] if key != "fanout" },
    {
      # How long the slowest hundredth takes where somebody waits: near the time limit, some fail.
      message-duration    = ["AWS/Lambda", "Duration", local.of_function.message, local.limits.duration_ms]
      api-duration        = ["AWS/Lambda", "Duration", local.of_function.api, local.limits.duration_ms]
      connect-duration    = ["AWS/Lambda", "Duration", local.of_function.connect, local.limits.connect_duration_ms]
      authorizer-duration = ["AWS/Lambda", "Duration", local.of_function.authorizer, local.limits.connect_duration_ms]

      # Of all functions in account and region, which share a quota.
      concurrency = ["AWS/Lambda", "ConcurrentExecutions", null, local.limits.concurrency]

      # What the gateway counts, of the socket and of the HTTP API.
      execution-errors   = ["AWS/ApiGateway", "ExecutionError", local.of_socket, local.limits.errors]
      integration-errors = ["AWS/ApiGateway", "IntegrationError", local.of_socket, local.limits.errors]
      client-errors      = ["AWS/ApiGateway", "ClientError", local.of_socket, local.limits.client_errors]
      connects           = ["AWS/ApiGateway", "ConnectCount", local.of_socket, local.limits.connects]
      messages           = ["AWS/ApiGateway", "MessageCount", local.of_socket, local.limits.messages]
      http-errors        = ["AWS/ApiGateway", "5xx", { ApiId = aws_apigatewayv2_api.http.id }, local.limits.errors]

      # Requests that the table refused as too many at once; the functions ask again for a while.
      table-read-throttles  = ["AWS/DynamoDB", "ReadThrottleEvents", local.of_table, local.limits.table_throttles]
      table-write-throttles = ["AWS/DynamoDB", "WriteThrottleEvents", local.of_table, local.limits.table_throttles]

      # Jobs of the worker that are late or lost.
      fanout-age     = ["AWS/Lambda", "AsyncEventAge", local.of_function.fanout, local.limits.fanout_age_ms]
      fanout-dropped = ["AWS/Lambda", "AsyncEventsDropped", local.of_function.fanout, 0]
      dead-letters   = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", { QueueName = aws_sqs_queue.fanout_dead_letters.name }, 0]

      # What the functions count themselves: functions/runtime/logs.py
      actions-failed   = ["Gatepost", "ActionsFailed", local.of_own, local.limits.errors]
      hooks-failed     = ["Gatepost", "HooksFailed", local.of_own, local.limits.errors]
      broadcast-failed = ["Gatepost", "BroadcastFailed", local.of_own, local.limits.broadcast_failed]
      broadcast-gone   = ["Gatepost", "BroadcastGone", local.of_own, local.limits.broadcast_gone]
    },
  )

  # Metrics that are no counts.
  highest = ["ApproximateNumberOfMessagesVisible", "AsyncEventAge", "ConcurrentExecutions"]
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for name, alarm in local.alarms : name => alarm if local.has_alarms }

  alarm_name          = "${local.prefix}-${each.key}"
  alarm_description   = "What to do is in docs/how-to/operate.md"
  alarm_actions       = [aws_sns_topic.alarms[0].arn]
  ok_actions          = [aws_sns_topic.alarms[0].arn]
  namespace           = each.value[0]
  metric_name         = each.value[1]
  dimensions          = each.value[2]
  threshold           = each.value[3]
  comparison_operator = "GreaterThanThreshold"
  statistic           = each.value[1] == "Duration" ? null : contains(local.highest, each.value[1]) ? "Maximum" : "Sum"
  extended_statistic  = each.value[1] == "Duration" ? "p99" : null
  evaluation_periods  = each.value[1] == "Duration" ? 3 : 1
  period              = 300 # seconds
  treat_missing_data  = "notBreaching"
  tags                = local.tags
}

# Not encrypted: it tells names and numbers, and AWS's own key would let no alarm in.
resource "aws_sns_topic" "alarms" {
  count = local.has_alarms ? 1 : 0

  name = "${local.prefix}-alarms"
  tags = local.tags
}

# The address has to confirm before it is told anything.
resource "aws_sns_topic_subscription" "alarms" {
  count = local.has_alarms && var.alarm_email != "" ? 1 : 0

  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.dashboard ? 1 : 0

  dashboard_name = local.prefix
  dashboard_body = templatefile("${path.module}/../dashboard.tftpl", {
    name   = local.prefix
    region = local.region
    stage  = var.stage
    socket = aws_apigatewayv2_api.socket.id
    http   = aws_apigatewayv2_api.http.id
    table  = aws_dynamodb_table.this.name
    queue  = aws_sqs_queue.fanout_dead_letters.name
  })
}
