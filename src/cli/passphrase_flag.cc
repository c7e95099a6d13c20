#include "cli/passphrase_flag.h"

#include "cli/key_values.h"

namespace bulla::cli {
namespace {

std::string_view first_line(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<SecretBytes> passphrase_of_flag(Invocation& call) {
  return passphrase_from(call, call.flags().text("passphrase-file"));
}

Result<SecretBytes> passphrase_from(Invocation& call,
                                    const std::string& source) {
  if (source.empty()) return SecretBytes();
  TRY_ASSIGN(auto text, source == "-" ? call.host().console.read_input()
                                      : read_file(source));
  const WipeGuard guard(
      {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  const std::string_view phrase = first_line(text);
  if (phrase.empty()) return fail(invalid_argument("the passphrase is empty"));
  call.hide(phrase);
  return SecretBytes::copy_of(as_bytes(phrase));
}

Result<SecretBytes> ask_new_passphrase(Invocation& call) {
  TRY_ASSIGN(auto phrase, call.ask("New passphrase (will be hidden): "));
  if (phrase.empty()) return fail(invalid_argument("nothing was typed"));
  TRY_ASSIGN(const auto again, call.ask("The same again: "));
  if (!(phrase == again)) {
    return fail(invalid_argument("the two are not the same"));
  }
  call.hide(as_text(phrase.expose()));
  return phrase;
}

}  // namespace bulla::cli
