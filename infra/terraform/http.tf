# The API for servers. It does its own authorization: a key or a token (functions/companion).
resource "aws_apigatewayv2_api" "http" {
  name          = "${var.stage}-${var.name}" # as the framework calls it
  protocol_type = "HTTP"
  tags          = local.tags
}

resource "aws_apigatewayv2_integration" "http" {
  api_id                 = aws_apigatewayv2_api.http.id
  integration_type       = "AWS_PROXY"
  integration_uri        = local.invoked["api"].arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "http" {
  for_each = toset(["ANY /v1/{proxy+}", "GET /openapi.json", "GET /docs"])

  api_id    = aws_apigatewayv2_api.http.id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.http.id}"
}

resource "aws_apigatewayv2_stage" "http" {
  api_id      = aws_apigatewayv2_api.http.id
  name        = "$default"
  auto_deploy = true
  tags        = local.tags

  # With any of these settings given, limits that aren't are 0 (B-315).
  default_route_settings {
    detailed_metrics_enabled = var.detailed_metrics
    throttling_rate_limit    = var.http_throttle.rate_limit
    throttling_burst_limit   = var.http_throttle.burst_limit
  }

  depends_on = [aws_apigatewayv2_route.http]
}

resource "aws_lambda_permission" "http" {
  function_name = aws_lambda_function.this["api"].arn
  qualifier     = local.invoked["api"].qualifier
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.http.execution_arn}/*"
}
