locals {
  # Every action goes through $default to one function: a new action needs no new route. A two-way
  # route sends the reply back; without a route response nothing goes back.
  routes = {
    "$connect"    = { function = "connect", two_way = false }
    "$disconnect" = { function = "disconnect", two_way = false }
    "$default"    = { function = "message", two_way = true }
    signal        = { function = "message", two_way = false }
    refresh       = { function = "refresh", two_way = true }
  }
  integrated = toset([for route in local.routes : route.function])
}

resource "aws_apigatewayv2_api" "socket" {
  name                       = local.prefix
  protocol_type              = "WEBSOCKET"
  route_selection_expression = "$request.body.action"

  disable_execute_api_endpoint = local.only_domain
  tags                         = local.tags
}

resource "aws_apigatewayv2_integration" "socket" {
  for_each = local.integrated

  api_id           = aws_apigatewayv2_api.socket.id
  integration_type = "AWS_PROXY"
  integration_uri  = local.invoked[each.key].invoke_arn
}

resource "aws_apigatewayv2_authorizer" "socket" {
  api_id           = aws_apigatewayv2_api.socket.id
  name             = "authorizer"
  authorizer_type  = "REQUEST"
  authorizer_uri   = local.invoked["authorizer"].invoke_arn
  identity_sources = var.identity_source
}

resource "aws_apigatewayv2_route" "socket" {
  for_each = local.routes

  api_id                              = aws_apigatewayv2_api.socket.id
  route_key                           = each.key
  authorization_type                  = each.key == "$connect" ? "CUSTOM" : "NONE"
  authorizer_id                       = each.key == "$connect" ? aws_apigatewayv2_authorizer.socket.id : null
  route_response_selection_expression = each.value.two_way ? "$default" : null
  target                              = "integrations/${aws_apigatewayv2_integration.socket[each.value.function].id}"
}

resource "aws_apigatewayv2_route_response" "socket" {
  for_each = { for key, route in local.routes : key => route if route.two_way }

  api_id             = aws_apigatewayv2_api.socket.id
  route_id           = aws_apigatewayv2_route.socket[each.key].id
  route_response_key = "$default"
}

# `auto_deploy`: a change of routes, integrations or the authorizer reaches the stage by itself (B-030).
resource "aws_apigatewayv2_stage" "socket" {
  api_id      = aws_apigatewayv2_api.socket.id
  name        = var.stage
  auto_deploy = true
  tags        = local.tags

  # Neither payloads nor query strings, which hold tokens: only what says who, what and how it went.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.socket.arn
    format          = jsonencode({ for name in local.logged : name => "$context.${name}" })
  }

  # With any of these settings given, limits that aren't are 0 (B-315).
  default_route_settings {
    data_trace_enabled       = false
    detailed_metrics_enabled = var.detailed_metrics
    logging_level            = "OFF"
    throttling_rate_limit    = var.throttle.rate_limit
    throttling_burst_limit   = var.throttle.burst_limit
  }

  dynamic "route_settings" {
    for_each = var.route_throttles

    content {
      route_key                = route_settings.key
      data_trace_enabled       = false
      detailed_metrics_enabled = var.detailed_metrics
      logging_level            = "OFF"
      throttling_rate_limit    = route_settings.value.rate_limit
      throttling_burst_limit   = route_settings.value.burst_limit
    }
  }

  depends_on = [aws_api_gateway_account.this, aws_apigatewayv2_route.socket, aws_apigatewayv2_route_response.socket]
}

locals {
  logged = [
    "requestId",
    "requestTimeEpoch",
    "connectionId",
    "eventType",
    "routeKey",
    "messageId",
    "status",
    "authorize.error",
    "authorize.status",
    "integration.error",
    "integration.integrationStatus",
    "integration.latency",
    "integration.requestId",
    "integration.status",
    "error.message",
  ]
}

resource "aws_cloudwatch_log_group" "socket" {
  name              = "/aws/websocket/${local.prefix}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn == "" ? null : var.kms_key_arn
  tags              = local.tags
}

resource "aws_lambda_permission" "socket" {
  for_each = setunion(local.integrated, ["authorizer"])

  function_name = aws_lambda_function.this[each.key].arn
  qualifier     = local.invoked[each.key].qualifier
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.socket.execution_arn}/*"
}
