#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/hcl.h"
#include "base/result.h"

namespace bulla::auth {

/// Reading a policy's HCL tree, where HCL and JSON write the same thing in
/// several shapes. Errors are kInvalidArgument. Pure; any thread.

/// One `path "label" { … }`. Points into the tree.
struct HclStanza {
  std::string_view label;
  const HclObject* body = nullptr;
};

/// The stanzas of one item: `path "a" {…}`, or JSON's
/// {"path": {"a": {…}, …}}, with lists of objects allowed wherever one object
/// is.
Result<std::vector<HclStanza>> hcl_stanzas(const HclItem& item);

/// A list of scalars, or one scalar, as text.
Result<std::vector<std::string>> hcl_strings(const HclValue& value);

/// `{ "key" = [values…] }`: keys lower-cased; a value that is a list itself
/// becomes its JSON text.
Result<std::map<std::string, std::vector<std::string>>> hcl_parameters(
    const HclValue& value);

}  // namespace bulla::auth
