path "transit/encrypt/*" {
  capabilities = ["update"]
  required_parameters = ["a"]
}
// end
