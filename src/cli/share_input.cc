#include "cli/share_input.h"

#include <algorithm>

#include "base/bytes.h"
#include "cli/secret_argument.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

}  // namespace

std::vector<SecretBytes> secret_lines(std::string_view text) {
  std::vector<SecretBytes> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    if (!line.empty()) lines.push_back(SecretBytes::copy_of(as_bytes(line)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Result<ShareInput> share_input(Invocation& call, std::string_view prompt,
                               const std::string& nonce_now) {
  ShareInput input;
  input.nonce = call.flags().text("nonce");
  const bool typed = call.arguments().empty();
  if (input.nonce.empty() && !typed) {
    return fail(invalid_argument(
        "the operation's nonce is missing: give it with -nonce, as whoever "
        "began the operation was told it"));
  }
  if (input.nonce.empty()) {
    input.nonce = nonce_now;
    call.warn("Operation nonce: " + visible(nonce_now) + "\n");
  }
  if (!typed && call.argument(0) != "-") {
    call.warn(
        "WARNING! Others on this machine can see a key that is given as an "
        "argument, and the\nshell keeps it. Leave it out to be asked for "
        "it.\n");
  }
  TRY_ASSIGN(const auto given, secret_argument(call, 0, prompt));
  input.shares = secret_lines(as_text(given.expose()));
  for (const SecretBytes& share : input.shares) {
    call.hide(as_text(share.expose()));
  }
  return input;
}

}  // namespace bulla::cli
