// What modules answer, by name and by what it means to a caller.

#include <fmt/format.h>

#include <algorithm>

#include "kek/pkcs11_module.h"

namespace bulla::kek {
namespace {

struct Answer {
  CK_RV value;
  std::string_view name;
  ErrorCode code;
};

// Of version 3 of the standard, which the header does not have.
constexpr CK_RV kAeadDecryptFailed = 0x42;

using enum ErrorCode;
constexpr Answer kAnswers[] = {
    {CKR_HOST_MEMORY, "CKR_HOST_MEMORY", kUnavailable},
    {CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID", kUnavailable},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", kUnavailable},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED", kUnavailable},
    {CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD", kUnsupported},
    {CKR_CANT_LOCK, "CKR_CANT_LOCK", kUnsupported},
    {CKR_ATTRIBUTE_READ_ONLY, "CKR_ATTRIBUTE_READ_ONLY", kUnsupported},
    {CKR_ATTRIBUTE_SENSITIVE, "CKR_ATTRIBUTE_SENSITIVE", kPermissionDenied},
    {CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID", kUnsupported},
    {CKR_ATTRIBUTE_VALUE_INVALID, "CKR_ATTRIBUTE_VALUE_INVALID", kUnsupported},
    {CKR_ACTION_PROHIBITED, "CKR_ACTION_PROHIBITED", kPermissionDenied},
    {CKR_DATA_INVALID, "CKR_DATA_INVALID", kInvalidArgument},
    {CKR_DATA_LEN_RANGE, "CKR_DATA_LEN_RANGE", kInvalidArgument},
    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", kUnavailable},
    {CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", kUnavailable},
    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", kUnavailable},
    {CKR_ENCRYPTED_DATA_INVALID, "CKR_ENCRYPTED_DATA_INVALID", kCorrupt},
    {CKR_ENCRYPTED_DATA_LEN_RANGE, "CKR_ENCRYPTED_DATA_LEN_RANGE", kCorrupt},
    {kAeadDecryptFailed, "CKR_AEAD_DECRYPT_FAILED", kCorrupt},
    {CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED", kUnsupported},
    {CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID", kNotFound},
    {CKR_KEY_SIZE_RANGE, "CKR_KEY_SIZE_RANGE", kUnsupported},
    {CKR_KEY_TYPE_INCONSISTENT, "CKR_KEY_TYPE_INCONSISTENT", kUnsupported},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED",
     kPermissionDenied},
    {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", kUnsupported},
    {CKR_MECHANISM_PARAM_INVALID, "CKR_MECHANISM_PARAM_INVALID", kUnsupported},
    {CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID", kNotFound},
    {CKR_OPERATION_ACTIVE, "CKR_OPERATION_ACTIVE", kUnavailable},
    {CKR_OPERATION_NOT_INITIALIZED, "CKR_OPERATION_NOT_INITIALIZED",
     kUnavailable},
    {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", kPermissionDenied},
    {CKR_PIN_INVALID, "CKR_PIN_INVALID", kPermissionDenied},
    {CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE", kPermissionDenied},
    {CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED", kPermissionDenied},
    {CKR_PIN_LOCKED, "CKR_PIN_LOCKED", kPermissionDenied},
    {CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED", kUnavailable},
    {CKR_SESSION_COUNT, "CKR_SESSION_COUNT", kUnavailable},
    {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID", kUnavailable},
    {CKR_SESSION_READ_ONLY, "CKR_SESSION_READ_ONLY", kPermissionDenied},
    {CKR_SIGNATURE_INVALID, "CKR_SIGNATURE_INVALID", kCorrupt},
    {CKR_SIGNATURE_LEN_RANGE, "CKR_SIGNATURE_LEN_RANGE", kCorrupt},
    {CKR_TEMPLATE_INCOMPLETE, "CKR_TEMPLATE_INCOMPLETE", kUnsupported},
    {CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT", kUnsupported},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", kUnavailable},
    {CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED", kUnavailable},
    {CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED", kPermissionDenied},
    {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN", kPermissionDenied},
    {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED",
     kPermissionDenied},
    {CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "CKR_USER_ANOTHER_ALREADY_LOGGED_IN",
     kPermissionDenied},
    {CKR_CURVE_NOT_SUPPORTED, "CKR_CURVE_NOT_SUPPORTED", kUnsupported},
    {CKR_BUFFER_TOO_SMALL, "CKR_BUFFER_TOO_SMALL", kUnavailable},
    {CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED",
     kUnavailable},
    {CKR_FUNCTION_REJECTED, "CKR_FUNCTION_REJECTED", kPermissionDenied},
};

}  // namespace

Error pkcs11_error(std::string_view function, CK_RV answer) {
  const auto row = std::ranges::find(kAnswers, answer, &Answer::value);
  if (row == std::end(kAnswers)) {
    return unavailable(fmt::format("pkcs11: {}: {:#x}", function, answer));
  }
  return {row->code, fmt::format("pkcs11: {}: {}", function, row->name)};
}

}  // namespace bulla::kek
