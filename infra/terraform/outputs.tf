output "socket_url" {
  description = "Where clients connect."
  value       = var.domain == null ? "wss://${local.api_host}/${var.stage}" : "wss://${local.domain_path}"
}

output "http_url" {
  description = "Where servers publish: the HTTP API."
  value       = "https://${aws_apigatewayv2_api.http.id}.execute-api.${local.region}.${local.suffix}"
}

output "table_name" {
  description = "The table."
  value       = aws_dynamodb_table.this.name
}

output "alarm_topic_arn" {
  description = "The topic that alarms tell; null without alarms."
  value       = one(aws_sns_topic.alarms[*].arn)
}
