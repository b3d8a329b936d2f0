variable "name" {
  description = "What the system is called; the names of its resources begin with it."
  type        = string
  default     = "gatepost"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.name))
    error_message = "name: 1 to 20 small letters, digits and hyphens, beginning with a letter."
  }
}

variable "stage" {
  description = "Stage of the WebSocket API, which is part of its URL: dev, prod ..."
  type        = string
  default     = "dev"

  validation {
    condition     = can(regex("^[a-z0-9-]{1,10}$", var.stage))
    error_message = "stage: 1 to 10 small letters, digits and hyphens."
  }
}

variable "package" {
  description = "Path of the zip of the functions that verify no tokens."
  type        = string
}

variable "tokens_package" {
  description = "Path of the zip of those that do: authorizer, refresh and api."
  type        = string
}

variable "memory_mb" {
  description = "Memory of every function. Lambda gives CPU in proportion, which cold starts need."
  type        = number
  default     = 1024

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb: a whole number from 128 to 10240."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept: one of the spans that CloudWatch offers."
  type        = number
  default     = 30

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days,
    )
    error_message = "log_retention_days: CloudWatch has 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400 ... 3653."
  }
}

variable "identity_source" {
  description = "What a handshake must carry for the authorizer to be asked at all, such as route.request.querystring.token. Nothing: it is always asked."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for source in var.identity_source :
      can(regex("^(route\\.request\\.(header|querystring)\\.|stageVariables\\.|context\\.).+$", source))
    ])
    error_message = "identity_source: entries such as route.request.querystring.token or route.request.header.Authorization."
  }
}

variable "jwt_secret" {
  description = "Secret of HS256 tokens, at least 32 bytes. Without it and jwt_jwks_url nobody is let in. It stands in the state."
  type        = string
  default     = ""
  sensitive   = true

  validation {
    condition     = var.jwt_secret == "" || length(var.jwt_secret) >= 32
    error_message = "jwt_secret: at least 32 bytes."
  }
}

variable "jwt_jwks_url" {
  description = "Where the keys of RS256 and ES256 tokens are."
  type        = string
  default     = ""

  validation {
    condition     = var.jwt_jwks_url == "" || startswith(var.jwt_jwks_url, "https://")
    error_message = "jwt_jwks_url: an https:// URL."
  }
}

variable "jwt_audience" {
  description = "Audience that tokens must name; any if empty."
  type        = string
  default     = ""
}

variable "jwt_issuer" {
  description = "Issuer that tokens must name; any if empty."
  type        = string
  default     = ""
}

variable "origins" {
  description = "Pages that may connect (https://www.example.com); any if empty."
  type        = list(string)
  default     = []
}

variable "api_keys" {
  description = "SHA-256 of each key of the HTTP API, in hexadecimal."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for key in var.api_keys : can(regex("^[0-9a-f]{64}$", key))])
    error_message = "api_keys: SHA-256 in 64 small hexadecimal digits, not the key itself."
  }
}

variable "throttle" {
  description = "Requests per second and burst of the socket's stage, of all clients together. The account has 10,000 and 5,000 for everything."
  type = object({
    rate_limit  = number
    burst_limit = number
  })
  default = { rate_limit = 2000, burst_limit = 1000 }

  validation {
    condition     = var.throttle.rate_limit > 0 && var.throttle.burst_limit > 0
    error_message = "throttle: both limits above 0; with 0 every connection is refused (B-315)."
  }
}

variable "route_throttles" {
  description = "The same for single routes, by route key, such as $connect."
  type = map(object({
    rate_limit  = number
    burst_limit = number
  }))
  default = {
    "$connect" = { rate_limit = 400, burst_limit = 400 } # handshakes: the account has 500 a second
  }

  validation {
    condition     = alltrue([for each in values(var.route_throttles) : each.rate_limit > 0 && each.burst_limit > 0])
    error_message = "route_throttles: both limits of each route above 0; with 0 it refuses everything (B-315)."
  }
}

variable "http_throttle" {
  description = "The same for the HTTP API."
  type = object({
    rate_limit  = number
    burst_limit = number
  })
  default = { rate_limit = 500, burst_limit = 250 }

  validation {
    condition     = var.http_throttle.rate_limit > 0 && var.http_throttle.burst_limit > 0
    error_message = "http_throttle: both limits above 0; with 0 everything is refused (B-315)."
  }
}

variable "detailed_metrics" {
  description = "Metrics of each route, which CloudWatch bills by the metric."
  type        = bool
  default     = false
}

variable "fanout_quota" {
  description = "Requests per second that all APIs of the account share in the region: 2500 in newer ones."
  type        = number
  default     = 10000

  validation {
    condition     = var.fanout_quota > 0
    error_message = "fanout_quota: above 0."
  }
}

variable "fanout_share" {
  description = "What broadcasts to large channels take of the quota."
  type        = number
  default     = 0.8

  validation {
    condition     = var.fanout_share > 0 && var.fanout_share <= 1
    error_message = "fanout_share: above 0 and at most 1."
  }
}

variable "fanout_workers" {
  description = "How many workers such a broadcast is dealt to."
  type        = number
  default     = 5

  validation {
    condition     = var.fanout_workers >= 1 && var.fanout_workers <= 1000 && floor(var.fanout_workers) == var.fanout_workers
    error_message = "fanout_workers: a whole number from 1 to 1000."
  }
}

variable "fanout_reserved_concurrency" {
  description = "How many workers may run at once: as many as fanout_workers, so that two broadcasts keep to the share too. An account must keep 100 unreserved; null reserves nothing."
  type        = number
  default     = null

  validation {
    condition     = var.fanout_reserved_concurrency == null ? true : var.fanout_reserved_concurrency >= 1
    error_message = "fanout_reserved_concurrency: 1 or more, as 0 stops the function; null reserves nothing."
  }
}

variable "account_log_role" {
  description = "Make the role that API Gateway writes logs by, once per account and region (B-324). False where the account has one."
  type        = bool
  default     = true
}

variable "point_in_time_recovery" {
  description = "Keep 35 days of the table's past. Without a value: in the stage prod."
  type        = bool
  default     = null
}

variable "deletion_protection" {
  description = "Refuse to delete the table. Without a value: in the stage prod."
  type        = bool
  default     = null
}

variable "kms_key_arn" {
  description = "A key of yours for table, logs, queue and the functions' environment; AWS's own keys if empty."
  type        = string
  default     = ""

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: the ARN of a key, not of an alias."
  }
}

variable "snap_start" {
  description = "Start functions from a snapshot of a started one, each by its alias."
  type        = bool
  default     = false
}

variable "tracing" {
  description = "Trace invocations with X-Ray, which is billed by the trace."
  type        = bool
  default     = false
}

variable "dashboard" {
  description = "Make a dashboard of CloudWatch."
  type        = bool
  default     = true
}

variable "alarms" {
  description = "Make alarms, and a topic that they tell. Without a value: in the stage prod."
  type        = bool
  default     = null
}

variable "alarm_email" {
  description = "An address that alarms are sent to; it has to confirm first."
  type        = string
  default     = ""

  validation {
    condition     = var.alarm_email == "" || can(regex("^[^@ ]+@[^@ ]+$", var.alarm_email))
    error_message = "alarm_email: an address such as oncall@example.com."
  }
}

variable "alarm_limits" {
  description = "How much is too much in five minutes: docs/how-to/operate.md. In prod 5 errors and no throttle are allowed, else 20."
  type = object({
    errors              = optional(number)
    throttles           = optional(number)
    table_throttles     = optional(number, 20)
    client_errors       = optional(number, 5000)
    connects            = optional(number, 120000)
    messages            = optional(number, 1500000)
    broadcast_failed    = optional(number, 1000)
    broadcast_gone      = optional(number, 10000)
    concurrency         = optional(number, 800)
    duration_ms         = optional(number, 20000)
    connect_duration_ms = optional(number, 5000)
    fanout_age_ms       = optional(number, 20000)
  })
  default = {}

  validation {
    condition     = alltrue([for each in values(var.alarm_limits) : each == null ? true : each >= 0])
    error_message = "alarm_limits: each 0 or more."
  }
}

variable "domain" {
  description = "A domain for the socket: its name and certificate, the path it is mapped at, and the hosted zone of Route 53 to put its records into. `only`: the API's own address is switched off."
  type = object({
    name            = string
    certificate_arn = string
    mapping_key     = optional(string, "")
    zone            = optional(object({ id = string }))
    only            = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.domain == null || can(regex("^arn:[a-z-]+:acm:", var.domain.certificate_arn))
    error_message = "domain: certificate_arn is the ARN of a certificate of ACM in the region of the API."
  }
}

variable "tags" {
  description = "Tags of every resource that can have some, beside service and stage."
  type        = map(string)
  default     = {}
}
