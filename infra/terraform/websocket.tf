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
  tags                       = var.tags
}

resource "aws_apigatewayv2_integration" "socket" {
  for_each = local.integrated

  api_id           = aws_apigatewayv2_api.socket.id
  integration_type = "AWS_PROXY"
  integration_uri  = aws_lambda_function.this[each.key].invoke_arn
}

resource "aws_apigatewayv2_authorizer" "socket" {
  api_id           = aws_apigatewayv2_api.socket.id
  name             = "authorizer"
  authorizer_type  = "REQUEST"
  authorizer_uri   = aws_lambda_function.this["authorizer"].invoke_arn
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
  tags        = var.tags

  depends_on = [aws_apigatewayv2_route.socket, aws_apigatewayv2_route_response.socket]
}

resource "aws_lambda_permission" "socket" {
  for_each = setunion(local.integrated, ["authorizer"])

  function_name = aws_lambda_function.this[each.key].arn
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.socket.execution_arn}/*"
}
