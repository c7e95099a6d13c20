// sys/decode-token: the token in what generate-root answered.

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<Bytes> decoded(std::string_view encoded) {
  std::string padded(encoded);
  while (padded.size() % 4 != 0) padded += '=';
  return base64_decode(padded);
}

Result<api::Response> decode_token(Core&, const api::Request& request,
                                   api::Context&) {
  const std::string_view otp = request.fields.text("otp");
  const std::string_view encoded = request.fields.text("encoded_token");
  if (encoded.empty() || otp.empty()) {
    return fail(invalid_argument("provided 'encoded_token' or 'otp' is empty"));
  }
  auto bytes = decoded(encoded);
  if (!bytes) {
    return fail(
        std::move(bytes).error().with_context("error decoding base64'd token"));
  }
  if (bytes->size() != otp.size()) {
    return fail(invalid_argument(fmt::format(
        "error xoring token: length of byte slices is not equivalent: {} != {}",
        bytes->size(), otp.size())));
  }
  for (std::size_t i = 0; i < otp.size(); ++i) {
    (*bytes)[i] ^= static_cast<std::uint8_t>(otp[i]);
  }
  std::string data;
  JsonWriter(data).begin_object().member("token", as_text(*bytes)).end_object();
  wipe(*bytes);
  return api::Response::with_data(std::move(data));
}

}  // namespace

void add_decode_token_routes(Core& core, Routes& routes) {
  using api::FieldType;
  routes.push_back(
      {.pattern = "decode-token",
       .fields = {{"encoded_token", FieldType::kString,
                   "What generate-root answered."},
                  {"otp", FieldType::kString,
                   "The one-time password of the attempt."}},
       .methods = {method(core, api::Operation::kUpdate, decode_token,
                          "Decodes a generated root token.")},
       .synopsis = "Decodes a generated root token.",
       .unauthenticated = true});
}

}  // namespace bulla::server
