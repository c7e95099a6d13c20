#include "cli/invocation.h"

#include "cli/api_error.h"
#include "cli/secret_output.h"

namespace bulla::cli {

Invocation::Invocation(Host& host, const Command& command, Flags flags,
                       std::vector<std::string> arguments, Settings settings,
                       Redactor& redactor)
    : host_(host),
      command_(command),
      flags_(std::move(flags)),
      arguments_(std::move(arguments)),
      settings_(std::move(settings)),
      redactor_(redactor),
      api_(settings_, host.send, host.sleep, [this](std::string_view text) {
        host_.console.out(redactor_.apply(text));
      }) {}

Result<void> Invocation::use_store(const std::vector<std::string>& config) {
  TRY_ASSIGN(auto send, host_.store(config));
  store_api_.emplace(settings_, std::move(send), host_.sleep,
                     [this](std::string_view text) {
                       host_.console.out(redactor_.apply(text));
                     });
  return {};
}

std::string Invocation::argument(std::size_t i) const {
  return i < arguments_.size() ? arguments_[i] : "";
}

Result<SecretBytes> Invocation::ask(std::string_view prompt) {
  if (settings_.non_interactive) {
    return bulla::fail(unavailable("-non-interactive: nothing is asked for"));
  }
  return host_.console.prompt_hidden(prompt);
}

void Invocation::out(std::string_view line) {
  host_.console.out(std::string(line) + "\n");
}

void Invocation::warn(std::string_view text) {
  host_.console.err(redactor_.apply(text) + "\n");
}

int Invocation::done(std::string_view line) {
  if (is_structured()) {
    host_.console.err(std::string(line) + "\n");
    return 0;
  }
  out(line);
  return 0;
}

int Invocation::refuse(std::string_view message, std::string_view next) {
  std::string text(message);
  if (!next.empty()) text.append("\n\nNext: ").append(next);
  warn(text);
  return 1;
}

int Invocation::misuse(std::string_view message) {
  return refuse(
      "bulla " + std::string(command_.path) + ": " + std::string(message),
      "`bulla " + std::string(command_.path) + " -h`");
}

int Invocation::fail(std::string_view what, const ApiFailure& failure) {
  if (failure.kind == ApiFailure::Kind::kWrapped) {
    return show_secret(failure.wrapped);
  }
  const int code = exit_code(failure);
  if (code == 0) return code;
  warn(store_api_ ? store_failure_text(what, failure)
                  : failure_text(what, failure, settings_));
  return code;
}

int Invocation::no_value(std::string_view path, std::string_view next) {
  refuse("No value found at " + std::string(path), next);
  return 2;
}

void Invocation::print_structured(const Value& value) {
  if (settings_.format == "yaml") {
    host_.console.out(to_yaml(value));
    return;
  }
  out(to_pretty_json(value));
}

int Invocation::missing_field() {
  return refuse("Field \"" + settings_.field + "\" not present in the answer",
                "leave out -field to see all of them");
}

int Invocation::show_raw(const Value& value) {
  if (is_structured()) {
    print_structured(value);
    return 0;
  }
  host_.console.out(to_plain(value));
  if (host_.console.out_is_terminal()) host_.console.out("\n");
  return 0;
}

int Invocation::show(const Value& value, std::string_view table) {
  if (!settings_.field.empty()) {
    const Value* const member = value.find(settings_.field);
    if (member == nullptr || member->is_null()) return missing_field();
    return show_raw(*member);
  }
  if (is_structured()) {
    print_structured(value);
    return 0;
  }
  out(table);
  return 0;
}

int Invocation::show_secret(const Value& answer) {
  const Value secret = as_secret(answer);
  if (!settings_.field.empty()) {
    const auto value = secret_field(secret, settings_.field);
    return value ? show_raw(*value) : missing_field();
  }
  if (is_structured()) {
    print_structured(secret_json(secret));
    return 0;
  }
  const std::string warnings = warnings_text(secret);
  if (!warnings.empty()) {
    host_.console.err(redactor_.apply(warnings));
  }
  const auto rows = secret_rows(secret);
  if (!rows.empty()) out(format_table(rows));
  return 0;
}

}  // namespace bulla::cli
