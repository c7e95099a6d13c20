#include "api/operation.h"

namespace bulla::api {

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::kRead:
      return "read";
    case Operation::kCreate:
      return "create";
    case Operation::kUpdate:
      return "update";
    case Operation::kPatch:
      return "patch";
    case Operation::kDelete:
      return "delete";
    case Operation::kList:
      return "list";
    case Operation::kScan:
      return "scan";
    case Operation::kHelp:
      return "help";
  }
  return "unknown";
}

Capabilities capability_for(Operation operation) {
  switch (operation) {
    case Operation::kRead:
      return kCapRead;
    case Operation::kCreate:
      return kCapCreate;
    case Operation::kUpdate:
      return kCapUpdate;
    case Operation::kPatch:
      return kCapPatch;
    case Operation::kDelete:
      return kCapDelete;
    case Operation::kList:
      return kCapList;
    case Operation::kScan:
      return kCapScan;
    case Operation::kHelp:
      return 0;
  }
  return kCapDeny;
}

}  // namespace bulla::api
