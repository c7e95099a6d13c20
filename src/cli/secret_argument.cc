#include "cli/secret_argument.h"

namespace bulla::cli {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Result<SecretBytes> from_input(Invocation& call) {
  TRY_ASSIGN(auto text, call.host().console.read_input());
  const WipeGuard guard(
      {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return SecretBytes::copy_of(as_bytes(text));
}

Result<SecretBytes> given(Invocation& call, std::size_t index,
                          std::string_view prompt) {
  if (index >= call.arguments().size()) return call.ask(prompt);
  const std::string& argument = call.arguments()[index];
  if (argument == "-") return from_input(call);
  return SecretBytes::copy_of(as_bytes(argument));
}

}  // namespace

Result<SecretBytes> secret_argument(Invocation& call, std::size_t index,
                                    std::string_view prompt) {
  TRY_ASSIGN(const auto raw, given(call, index, prompt));
  const auto text = trimmed(as_text(raw.expose()));
  if (text.empty()) return fail(invalid_argument("nothing was given"));
  call.hide(text);
  return SecretBytes::copy_of(as_bytes(text));
}

}  // namespace bulla::cli
