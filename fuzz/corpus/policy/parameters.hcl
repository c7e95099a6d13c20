path "auth/token/create" {
  capabilities = ["update", "sudo"]
  allowed_parameters = { "policies" = [["a", "b"], "c*"], "*" = [] }
  denied_parameters = { "period" = [] }
  required_parameters = ["ttl"]
  min_wrapping_ttl = "1m"
  max_wrapping_ttl = 3600
}
