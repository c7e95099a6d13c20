#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::kek {

/// The options of a `seal` stanza, with the environment beside them. The
/// environment is read when a provider is built, never later: it does not
/// change from outside, and what it held may have been wiped by then.
class Stanza {
 public:
  using Options = std::map<std::string, std::string>;
  explicit Stanza(const Options& options) : options_(options) {}

  ///   kInvalidArgument  an option that is not among `known`.
  Result<void> check_known(std::initializer_list<std::string_view> known) const;

  /// The option's text, "" when it is not given.
  std::string_view given(const std::string& key) const;

  /// The first of `variables` that is set and not empty, else the option.
  std::string text(const std::string& key,
                   std::initializer_list<const char*> variables) const;

  /// As text(): true, false, 1, 0; absent is false.
  ///   kInvalidArgument  another word.
  Result<bool> flag(const std::string& key,
                    std::initializer_list<const char*> variables) const;

 private:
  const Options& options_;
};

/// The first of `variables` that is set and not empty; "" when none is.
std::string_view environment(std::initializer_list<const char*> variables);

/// A token or another credential: the text itself, or a file that is read anew
/// at each use, so that a short-lived one may be replaced there.
class Credential {
 public:
  static constexpr std::size_t kBytesMax = 20'000;

  Credential() = default;

  /// env://NAME is looked up now, file://PATH at each use; any other text is
  /// the credential itself.
  ///   kInvalidArgument  the variable is not set.
  static Result<Credential> from_text(std::string_view text);
  /// `text` itself, whatever it looks like.
  static Credential fixed(std::string_view text);
  static Credential from_file(std::string_view path);

  /// Whether there is none.
  bool empty() const { return text_.empty() && path_.empty(); }
  /// Whether it may be another one at the next use.
  bool may_change() const { return !path_.empty(); }

  /// Visible ASCII, at most kBytesMax long.
  ///   kUnavailable       the file cannot be read now; names it.
  ///   kPermissionDenied  what it holds cannot be a credential.
  Result<SecretBytes> read() const;

 private:
  SecretBytes text_;
  std::string path_;
};

}  // namespace bulla::kek
