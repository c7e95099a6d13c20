#include "engine/transit/batch_answer.h"

#include <fmt/format.h>

#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"

namespace bulla::engine::transit {
namespace {
constexpr std::string_view kOpening = "{\"batch_results\":[";
constexpr std::string_view kClosing = "]}";
}  // namespace

bool is_item_error(const Error& error) {
  return error.code() == ErrorCode::kInvalidArgument ||
         error.code() == ErrorCode::kInternal;
}

BatchAnswer::BatchAnswer(std::size_t bytes) {
  out_.reserve(bytes + kOpening.size() + kClosing.size());
  out_ += kOpening;
}

void BatchAnswer::begin_item() {
  if (comma_) out_ += ',';
  comma_ = true;
}

void BatchAnswer::end_item(std::string_view reference) {
  if (reference.empty()) {
    out_ += "\"reference\":\"\"}";
    return;
  }
  out_ += "\"reference\":";
  append_json_string(out_, reference);
  out_ += '}';
}

void BatchAnswer::ciphertext(std::string_view prefix, ByteView bytes,
                             std::uint32_t key_version,
                             std::string_view reference) {
  success_ = true;
  begin_item();
  out_ += "{\"ciphertext\":\"";
  out_ += prefix;
  base64_append(out_, bytes);
  out_ += "\",\"key_version\":";
  const fmt::format_int number(key_version);
  out_.append(number.data(), number.size());
  out_ += ',';
  end_item(reference);
}

void BatchAnswer::plaintext(ByteView bytes, std::string_view reference) {
  success_ = true;
  begin_item();
  out_ += "{\"plaintext\":\"";
  base64_append(out_, bytes);
  out_ += "\",";
  end_item(reference);
}

void BatchAnswer::hmac(std::string_view prefix, ByteView bytes,
                       std::string_view reference) {
  begin_item();
  out_ += "{\"hmac\":\"";
  out_ += prefix;
  base64_append(out_, bytes);
  out_ += "\",";
  end_item(reference);
}

void BatchAnswer::cmac(std::string_view prefix, ByteView bytes,
                       std::string_view reference) {
  begin_item();
  out_ += "{\"cmac\":\"";
  out_ += prefix;
  base64_append(out_, bytes);
  out_ += "\",";
  end_item(reference);
}

void BatchAnswer::signature(std::string_view text, std::uint32_t key_version,
                            ByteView public_key, std::string_view reference) {
  begin_item();
  out_ += fmt::format("{{\"signature\":\"{}\",\"key_version\":{},", text,
                      key_version);
  if (!public_key.empty()) {
    out_ += "\"publickey\":\"";
    base64_append(out_, public_key);
    out_ += "\",";
  }
  end_item(reference);
}

void BatchAnswer::validity(bool valid, std::string_view reference) {
  begin_item();
  out_ += valid ? "{\"valid\":true," : "{\"valid\":false,";
  end_item(reference);
}

void BatchAnswer::note(std::string_view text, std::string_view reference,
                       std::string_view members) {
  begin_item();
  out_ += '{';
  out_ += members;
  out_ += "\"error\":";
  append_json_string(out_, text);
  out_ += ',';
  end_item(reference);
}

void BatchAnswer::hmac_validity(bool valid, std::string_view reference) {
  begin_item();
  out_ += valid ? "{\"valid\":true," : "{";
  end_item(reference);
}

void BatchAnswer::error(const Error& error, std::string_view reference,
                        std::string_view members) {
  (error.code() == ErrorCode::kInternal ? internal_error_ : user_error_) = true;
  note(error.message(), reference, members);
}

api::Response BatchAnswer::always_ok() && {
  out_ += kClosing;
  return api::Response::with_data(std::move(out_));
}

api::Response BatchAnswer::with_item_status(const api::Request& request) && {
  constexpr std::string_view kOverride = "partial_failure_response_code";
  api::Response response = std::move(*this).always_ok();
  if (!user_error_ && !internal_error_) return response;
  response.status = user_error_ ? 400 : 500;
  if (!success_ || !request.fields.has(kOverride)) return response;
  const std::int64_t code = request.fields.integer(kOverride);
  // What is below 200 announces an answer and is none: clients would wait.
  if (code >= 200 && code <= 599) {
    response.status = static_cast<int>(code);
    return response;
  }
  response.warnings.push_back(
      fmt::format("invalid HTTP response code override from {}, reverting to "
                  "{}",
                  kOverride, response.status));
  return response;
}

}  // namespace bulla::engine::transit
