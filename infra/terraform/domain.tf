locals {
  api_host = "${aws_apigatewayv2_api.socket.id}.execute-api.${local.region}.${local.suffix}"
  # Where functions post to connections, which works with and without a domain (B-326).
  callback_url = "https://${local.api_host}/${var.stage}"
}
