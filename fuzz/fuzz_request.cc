// A request's target and body up to its fields: the first byte picks a method,
// the first line is the target, the rest the body. No path climbs, whatever
// comes, and fields of every type take or refuse what the body gives them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "api/field.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "server/request_decoder.h"

namespace {

using bulla::api::Field;
using bulla::api::FieldType;

const std::vector<Field>& schema() {
  static const std::vector<Field> kFields = {
      {"a", FieldType::kString},
      {"b", FieldType::kLowerString},
      {"c", FieldType::kInt},
      {"d", FieldType::kBool},
      {"e", FieldType::kDuration},
      {"f", FieldType::kSignedDuration},
      {"g", FieldType::kStringSlice},
      {"h", FieldType::kCommaStringSlice},
      {"i", FieldType::kCommaIntSlice},
      {"j", FieldType::kMap},
      {"k", FieldType::kKvPairs},
      {"l", FieldType::kTime},
      {"m", FieldType::kAny}};
  return kFields;
}

void read_all(const bulla::api::Fields& fields) {
  fields.text("a");
  fields.text("b");
  fields.integer("c");
  fields.boolean("d");
  BULLA_ASSERT(fields.duration("e").count() >= 0);
  fields.duration("f");
  fields.strings("g");
  fields.strings("h");
  fields.integers("i");
  fields.object("j");
  fields.pairs("k");
  fields.time("l");
  fields.raw("m");
}

void check_path(std::string_view path) {
  const std::string walled = "/" + std::string(path) + "/";
  BULLA_ASSERT(walled.find("/../") == std::string::npos);
  BULLA_ASSERT(walled.find("/./") == std::string::npos);
  BULLA_ASSERT(path.find("//") == std::string_view::npos);
  for (const char c : path) BULLA_ASSERT(c < 0 || c >= ' ');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  using bulla::net::Method;
  constexpr Method kMethods[] = {Method::kGet, Method::kPost, Method::kDelete,
                                 Method::kList, Method::kPatch};
  const auto text = bulla::as_text({data + 1, size - 1});
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string target = "/v1/" + std::string(text.substr(0, end));
  std::string body(text.substr(std::min(end + 1, text.size())));
  const std::size_t body_size = body.size();
  body.resize(body_size + bulla::net::kBodyPadding);

  const std::vector<bulla::net::Header> headers{
      {"content-type", data[0] % 2 == 0 ? "application/x-www-form-urlencoded"
                                        : "application/merge-patch+json"}};
  bulla::net::Request request;
  request.method = kMethods[data[0] % std::size(kMethods)];
  request.target = target;
  request.headers = headers;
  request.body = std::string_view(body).substr(0, body_size);
  bulla::server::Decoded decoded;
  if (!bulla::server::decode_target(request, decoded)) return 0;
  check_path(decoded.path);
  bulla::JsonParser parser;
  std::string scratch;
  const auto object =
      bulla::server::decode_body(request, decoded, {}, parser, scratch);
  if (!object) return 0;
  bulla::api::Fields fields;
  const bulla::api::PathParam param{"name", decoded.path};
  if (fields.bind(schema(), {&param, 1}, *object)) read_all(fields);
  return 0;
}
