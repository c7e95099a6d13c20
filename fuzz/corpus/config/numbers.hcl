listener "tcp" {
 max_request_size = -0x10
 http_read_timeout = 1.5
 max_connections = 1e3
}
