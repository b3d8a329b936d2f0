# Who may do what. Each function has its own role: some of the table's actions, its own log group,
# and of the connections only those of this API at this stage.
locals {
  connections = "arn:${local.partition}:execute-api:${local.region}:${local.account}:${aws_apigatewayv2_api.socket.id}/${var.stage}"
  post        = "${local.connections}/POST/@connections/*"
  delete      = "${local.connections}/DELETE/@connections/*"

  forgetting = [
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
  ]
  table_actions = {
    authorizer = []
    # A transaction is authorized by the actions of its items.
    connect    = ["dynamodb:ConditionCheckItem", "dynamodb:PutItem"]
    disconnect = local.forgetting
    message    = concat(local.forgetting, ["dynamodb:PutItem"])
    fanout     = local.forgetting
    api        = concat(local.forgetting, ["dynamodb:PutItem"])
    refresh    = local.forgetting
  }
  managed_connections = {
    disconnect = [local.post] # leaves are sent
    message    = [local.post, local.delete]
    fanout     = [local.post]
    api        = [local.post, local.delete]
    refresh    = [local.post, local.delete]
  }
  fanout_function = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.fanout_name}"
  invokes_workers = ["message", "fanout", "api"] # a worker hands on what it has no time for
}

data "aws_iam_policy_document" "assumed_by_lambda" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.functions

  name               = "${local.prefix}-${each.key}-${local.region}" # roles have no region
  assume_role_policy = data.aws_iam_policy_document.assumed_by_lambda.json
  tags               = local.tags
}

data "aws_iam_policy_document" "this" {
  for_each = local.functions

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this[each.key].arn}:*"]
  }

  dynamic "statement" {
    for_each = var.tracing ? [["xray:PutTelemetryRecords", "xray:PutTraceSegments"]] : []

    content {
      actions   = statement.value
      resources = ["*"] # X-Ray has no narrower ones
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == "" ? [] : [var.kms_key_arn]

    content {
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = length(local.table_actions[each.key]) > 0 ? [local.table_actions[each.key]] : []

    content {
      actions   = statement.value
      resources = [aws_dynamodb_table.this.arn]
    }
  }

  dynamic "statement" {
    for_each = contains(keys(local.managed_connections), each.key) ? [local.managed_connections[each.key]] : []

    content {
      actions   = ["execute-api:ManageConnections"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = contains(local.invokes_workers, each.key) ? [local.fanout_function] : []

    content {
      actions   = ["lambda:InvokeFunction"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = each.key == "fanout" ? [aws_sqs_queue.fanout_dead_letters.arn] : []

    content {
      actions   = ["sqs:SendMessage"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  for_each = local.functions

  name   = each.key
  role   = aws_iam_role.this[each.key].id
  policy = data.aws_iam_policy_document.this[each.key].json
}
