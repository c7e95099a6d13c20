#include "cli/dek_argument.h"

#include <algorithm>
#include <vector>

#include "cli/paths.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

bool is_id(std::string_view text) {
  return text.size() == 36 &&
         text.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

}  // namespace

const Value& data_of(const Value& answer) {
  const Value* const data = answer.find("data");
  return data == nullptr ? answer : *data;
}

std::optional<std::string> dek_id(Invocation& call, const std::string& argument,
                                  int& code) {
  if (is_id(argument)) return argument;
  const auto answer = call.api().list("sys/encryption-keys");
  if (!answer) {
    code = call.fail("Error listing DEKs", answer.error());
    return std::nullopt;
  }
  std::vector<std::string> ids;
  if (const Value* const info = data_of(answer->json).find("key_info")) {
    for (const Value& dek : info->items) {
      if (dek.text_of("name") == argument) ids.push_back(dek.text_of("id"));
    }
  }
  if (ids.size() == 1) return ids.front();
  const std::string name = "\"" + visible(argument) + "\"";
  code = ids.empty()
             ? call.refuse("there is no DEK " + name,
                           "`bulla dek list` shows those that there are")
             : call.refuse("several DEKs have the name " + name,
                           "name one by its id, from `bulla dek list`");
  return std::nullopt;
}

}  // namespace bulla::cli
