# The role that API Gateway writes access logs by: one for all APIs of an account in a region (B-324).
data "aws_iam_policy_document" "assumed_by_api_gateway" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["apigateway.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "log" {
  count = var.account_log_role ? 1 : 0

  name               = "${local.prefix}-log-${local.region}"
  assume_role_policy = data.aws_iam_policy_document.assumed_by_api_gateway.json
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "log" {
  count = var.account_log_role ? 1 : 0

  role       = aws_iam_role.log[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  count = var.account_log_role ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.log[0].arn
  depends_on          = [aws_iam_role_policy_attachment.log]
}
