#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/hcl_format.h"
#include "cli/invocation.h"
#include "cli/key_values.h"
#include "cli/paths.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

std::string policy_api(const Invocation& call) {
  return "sys/policies/acl/" + clean_path(call.argument(0));
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

int list(Invocation& call) {
  const auto answer = call.api().list("sys/policies/acl");
  if (!answer) return call.fail("Error listing policies", answer.error());
  const Value* const data = answer->json.find("data");
  const Value* const keys = data == nullptr ? nullptr : data->find("keys");
  const Value names = keys == nullptr ? Value::array() : *keys;
  std::string lines;
  for (const auto& name : names.as_strings()) {
    lines += (lines.empty() ? "" : "\n") + visible(name);
  }
  return call.show(names, lines);
}

int read(Invocation& call) {
  const std::string name = call.argument(0);
  const auto answer = call.api().get(policy_api(call));
  if (!answer) {
    if (answer.error().status == 404) {
      call.refuse("No policy named: " + name, "`bulla policy list`");
      return 2;
    }
    return call.fail("Error reading policy named " + name, answer.error());
  }
  const Value* const data = answer->json.find("data");
  std::string text = data == nullptr ? "" : data->text_of("policy");
  const Value policy = Value::object().set("policy", Value::string(text));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return call.show(policy, visible(text));
}

int write(Invocation& call) {
  const std::string typed = clean_path(call.argument(0));
  const std::string name = lower_case(typed);
  const std::string source = call.argument(1);
  const auto text =
      source == "-" ? call.host().console.read_input() : read_file(source);
  if (!text) {
    call.refuse("Error reading policy: " + text.error().message(),
                "give a file, or - for standard input");
    return 2;
  }
  if (name != typed) {
    call.warn("Policy name was converted from \"" + typed + "\" to \"" + name +
              "\"");
  }
  Value body = Value::object();
  body.set("policy", Value::string(*text));
  const auto answer =
      call.api().put("sys/policies/acl/" + name, std::move(body));
  if (!answer) return call.fail("Error uploading policy", answer.error());
  return call.done("Success! Uploaded policy: " + name);
}

int remove(Invocation& call) {
  const auto answer = call.api().remove(policy_api(call));
  if (!answer) return call.fail("Error deleting policy", answer.error());
  return call.done("Success! Deleted policy: " + clean_path(call.argument(0)));
}

// Whole or not at all: a new file takes the place of the old one.
bool replace_file(const std::string& path, const std::string& text) {
  struct stat before {};
  if (::stat(path.c_str(), &before) != 0) return false;
  const std::string temporary = path + ".formatted";
  std::FILE* const file = std::fopen(temporary.c_str(), "wbxe");
  if (file == nullptr) return false;
  const bool written =
      std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool same_mode = ::fchmod(::fileno(file), before.st_mode) == 0;
  const bool closed = std::fclose(file) == 0;
  if (written && same_mode && closed &&
      std::rename(temporary.c_str(), path.c_str()) == 0) {
    return true;
  }
  ::unlink(temporary.c_str());
  return false;
}

int format(Invocation& call) {
  const std::string path = call.argument(0);
  const auto text = read_file(path);
  if (!text) return call.refuse("Error reading " + text.error().message());
  const auto laid = format_hcl(*text);
  if (!laid) {
    return call.refuse(
        "Error formatting " + path + ": " + laid.error().message(),
        "correct that line");
  }
  if (*laid != *text && !replace_file(path, *laid)) {
    return call.refuse("Error writing " + path + ": " + std::strerror(errno));
  }
  return call.done("Success! Formatted policy: " + path);
}

constexpr std::array<Example, 2> kWriteExamples = {{
    {"Upload a policy from a file", "bulla policy write orders orders.hcl"},
    {"From standard input", "bulla policy write orders - < orders.hcl"},
}};
constexpr std::array<Example, 1> kReadExamples = {{
    {"Print a policy", "bulla policy read default"},
}};

constexpr std::array<Command, 6> kCommands = {{
    {"policy", "Work with policies", "",
     "Commands for policies, which say what a token may do.",
     CommandKind::kGroup},
    {"policy list", "List the policies", "", "Lists the names of all policies.",
     CommandKind::kRemote, 0, 0, list},
    {"policy read",
     "Print a policy",
     "NAME",
     "Prints the text of a policy.",
     CommandKind::kRemote,
     1,
     1,
     read,
     {},
     kReadExamples},
    {"policy write",
     "Upload a policy",
     "NAME FILE",
     "Uploads a policy from a file, or from standard input where FILE is -. "
     "One of that name is replaced, for all tokens that have it, at once.",
     CommandKind::kRemote,
     2,
     2,
     write,
     {},
     kWriteExamples},
    {"policy delete", "Delete a policy", "NAME",
     "Deletes a policy. Tokens that have it lose what it granted.",
     CommandKind::kRemote, 1, 1, remove},
    {"policy fmt", "Lay out a policy file", "FILE",
     "Checks that a file is a well-formed policy text and lays it out in the "
     "usual way, in place. Asks no server.",
     CommandKind::kLocal, 1, 1, format},
}};

}  // namespace

std::span<const Command> policy_commands() { return kCommands; }

}  // namespace bulla::cli
