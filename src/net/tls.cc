#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>

namespace bulla::net {
namespace {

// In the order of our preference, as ALPN writes them.
constexpr std::array<unsigned char, 12> kProtocols = {
    2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kProtocols.data(),
                            kProtocols.size(), in,
                            in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// A certificate that is only asked for is taken as it is: Peer says whether it
// verified.
int accept_any(int, X509_STORE_CTX*) { return 1; }

Result<int> protocol_version(const std::string& name) {
  if (name == "tls12") return TLS1_2_VERSION;
  if (name == "tls13") return TLS1_3_VERSION;
  return fail(invalid_argument("TLS version \"" + name +
                               "\" is not one of tls12, tls13"));
}

Error file_error(std::string_view what, const std::string& file) {
  std::string text(what);
  text += " \"" + file + "\": ";
  const auto code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  if (::access(file.c_str(), R_OK) != 0) {
    text += std::generic_category().message(errno);
  } else {
    text += reason == nullptr ? "cannot be used" : reason;
  }
  ERR_clear_error();
  return invalid_argument(std::move(text));
}

Result<void> set_versions(SSL_CTX* context, const TlsOptions& options) {
  TRY_ASSIGN(const int min, protocol_version(options.min_version));
  TRY_ASSIGN(const int max, protocol_version(options.max_version));
  if (min > max) {
    return fail(invalid_argument("TLS min_version is above max_version"));
  }
  SSL_CTX_set_min_proto_version(context, min);
  SSL_CTX_set_max_proto_version(context, max);
  return {};
}

Result<void> set_ciphers(SSL_CTX* context, const TlsOptions& options) {
  std::string tls12;
  std::string tls13;
  for (const auto& name : options.cipher_suites) {
    const bool is13 =
        name.starts_with("TLS_") && name.find("_WITH_") == std::string::npos;
    const std::string_view known =
        is13 ? name.c_str() : OPENSSL_cipher_name(name.c_str());
    auto& list = is13 ? tls13 : tls12;
    if (!list.empty()) list += ':';
    list += known == "(NONE)" ? std::string_view(name) : known;
  }
  if (!tls12.empty() && SSL_CTX_set_cipher_list(context, tls12.c_str()) != 1) {
    return fail(invalid_argument("unknown TLS cipher suite in " + tls12));
  }
  if (!tls13.empty() && SSL_CTX_set_ciphersuites(context, tls13.c_str()) != 1) {
    return fail(invalid_argument("unknown TLS cipher suite in " + tls13));
  }
  return {};
}

Result<void> set_certificate(SSL_CTX* context, const TlsOptions& options) {
  if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) !=
      1) {
    return fail(file_error("certificate file", options.cert_file));
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(),
                                  SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return fail(file_error("private key file", options.key_file));
  }
  return {};
}

Result<void> set_client_certificates(SSL_CTX* context,
                                     const TlsOptions& options) {
  const bool require = options.require_and_verify_client_cert;
  if (options.disable_client_certs) {
    if (!require) return {};
    return fail(invalid_argument(
        "client certificates cannot be both required and disabled"));
  }
  if (!options.client_ca_file.empty()) {
    const char* file = options.client_ca_file.c_str();
    if (SSL_CTX_load_verify_locations(context, file, nullptr) != 1) {
      return fail(file_error("client CA file", options.client_ca_file));
    }
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file));
  } else if (require) {
    SSL_CTX_set_default_verify_paths(context);
  }
  SSL_CTX_set_verify(
      context,
      SSL_VERIFY_PEER | (require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
      require ? nullptr : &accept_any);
  return {};
}

void set_behaviour(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // One recv takes a record's head and body, and whatever follows.
  SSL_CTX_set_read_ahead(context, 1);
  // Resumption by tickets only: nothing is kept, so nothing is shared by loops.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  static constexpr std::array<unsigned char, 5> kSessions = {'b', 'u', 'l', 'l',
                                                             'a'};
  SSL_CTX_set_session_id_context(context, kSessions.data(), kSessions.size());
  SSL_CTX_set_alpn_select_cb(context, &choose_protocol, nullptr);
}

int int_size(std::size_t bytes) {
  return static_cast<int>(std::min<std::size_t>(bytes, INT_MAX));
}

}  // namespace

Result<SslContextPtr> make_tls_context(const TlsOptions& options) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context) return fail(internal_error("cannot create a TLS context"));
  set_behaviour(context.get());
  TRY(set_versions(context.get(), options));
  TRY(set_ciphers(context.get(), options));
  TRY(set_certificate(context.get(), options));
  TRY(set_client_certificates(context.get(), options));
  ERR_clear_error();
  return context;
}

Result<std::unique_ptr<TlsContext>> TlsContext::create(TlsOptions options) {
  TRY_ASSIGN(auto context, make_tls_context(options));
  return std::unique_ptr<TlsContext>(
      new TlsContext(std::move(options), std::move(context)));
}

SslContextPtr TlsContext::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void TlsContext::replace(SslContextPtr context) {
  const std::lock_guard lock(mutex_);
  current_ = std::move(context);
}

std::unique_ptr<TlsStream> TlsStream::create(const SslContextPtr& context,
                                             int fd) {
  SSL* ssl = SSL_new(context.get());
  if (ssl == nullptr) return nullptr;
  std::unique_ptr<TlsStream> stream(new TlsStream(ssl));
  if (SSL_set_fd(ssl, fd) != 1) return nullptr;
  SSL_set_accept_state(ssl);
  return stream;
}

Io TlsStream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Io{IoStatus::kDone} : failed(result);
}

Io TlsStream::read(std::span<char> into) {
  ERR_clear_error();
  const int result = SSL_read(ssl_.get(), into.data(), int_size(into.size()));
  if (result <= 0) return failed(result);
  return {IoStatus::kDone, static_cast<std::size_t>(result)};
}

Io TlsStream::write(std::string_view bytes) {
  ERR_clear_error();
  const int result =
      SSL_write(ssl_.get(), bytes.data(), int_size(bytes.size()));
  if (result <= 0) return failed(result);
  return {IoStatus::kDone, static_cast<std::size_t>(result)};
}

Io TlsStream::failed(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {IoStatus::kWantRead};
    case SSL_ERROR_WANT_WRITE:
      return {IoStatus::kWantWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {IoStatus::kClosed};
    default:
      broken_ = true;
      saw_plain_http_ = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
      ERR_clear_error();
      return {IoStatus::kClosed};
  }
}

void TlsStream::shutdown() {
  if (broken_ || SSL_in_init(ssl_.get()) == 1) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  broken_ = true;
}

bool TlsStream::chose_http2() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return size == 2 && name[0] == 'h' && name[1] == '2';
}

void TlsStream::describe(Peer& peer) const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return;
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return;
  peer.client_certificate.resize(static_cast<std::size_t>(size));
  unsigned char* out = peer.client_certificate.data();
  i2d_X509(certificate, &out);
  peer.client_certificate_verified =
      SSL_get_verify_result(ssl_.get()) == X509_V_OK;
}

}  // namespace bulla::net
