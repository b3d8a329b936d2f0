locals {
  only_domain = var.domain == null ? false : var.domain.only
  has_zone    = var.domain == null ? false : var.domain.zone != null
  api_host    = "${aws_apigatewayv2_api.socket.id}.execute-api.${local.region}.${local.suffix}"
  domain_path = var.domain == null ? "" : trimsuffix("${var.domain.name}/${var.domain.mapping_key}", "/")

  # Where functions post to connections. The API's own address works with a domain and without; only
  # where it is switched off the domain's is the one (B-326, B-327).
  callback_url = local.only_domain ? "https://${local.domain_path}" : "https://${local.api_host}/${var.stage}"
}

resource "aws_apigatewayv2_domain_name" "socket" {
  count = var.domain == null ? 0 : 1

  domain_name = var.domain.name
  tags        = local.tags

  domain_name_configuration {
    certificate_arn = var.domain.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "socket" {
  count = var.domain == null ? 0 : 1

  api_id          = aws_apigatewayv2_api.socket.id
  domain_name     = aws_apigatewayv2_domain_name.socket[0].domain_name
  stage           = aws_apigatewayv2_stage.socket.name
  api_mapping_key = var.domain.mapping_key == "" ? null : var.domain.mapping_key
}

resource "aws_route53_record" "socket" {
  for_each = toset(local.has_zone ? ["A", "AAAA"] : [])

  zone_id = var.domain.zone.id
  name    = var.domain.name
  type    = each.key

  alias {
    name                   = aws_apigatewayv2_domain_name.socket[0].domain_name_configuration[0].target_domain_name
    zone_id                = aws_apigatewayv2_domain_name.socket[0].domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = false
  }
}
