#include "server/kept_answer.h"

#include "base/json.h"
#include "base/json_writer.h"

namespace bulla::server {

std::string write_kept_answer(const KeptAnswer& answer) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object().member("response", answer.json);
  if (answer.status != 0) writer.member("status", answer.status);
  writer.end_object();
  return text;
}

Result<KeptAnswer> parse_kept_answer(std::string_view text) {
  const auto bad = [] {
    return corrupt("a wrapped answer is not in its form");
  };
  JsonParser parser;
  const auto entry = parse_json(parser, text);
  std::string_view json;
  if (!entry || (*entry)["response"].get_string().get(json)) return fail(bad());
  std::int64_t status = 0;
  if ((*entry)["status"].get_int64().get(status)) status = 0;
  if (status < 0 || status > 999) return fail(bad());
  KeptAnswer answer{std::string(json), static_cast<int>(status)};
  if (write_kept_answer(answer) != text) return fail(bad());
  return answer;
}

}  // namespace bulla::server
