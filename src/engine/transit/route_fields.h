#pragma once

#include <string_view>

#include "api/backend.h"

namespace bulla::engine::transit {

// The fields that several routes of a transit mount share.

inline constexpr api::Field kName{
    .name = "name", .description = "The name of the key.", .required = true};
inline constexpr api::Field kContext{
    .name = "context",
    .description =
        "Base64 context for key derivation; required by keys that "
        "are derived."};
inline constexpr api::Field kKeyVersion{
    .name = "key_version",
    .type = api::FieldType::kInt,
    .description =
        "The version to use: 0 for the latest, or at least the "
        "key's min_encryption_version.",
    .default_text = "0"};
inline constexpr api::Field kAssociatedData{
    .name = "associated_data",
    .description =
        "Base64 data that is authenticated, not encrypted; the "
        "same is needed to decrypt."};
inline constexpr api::Field kPadding{
    .name = "padding_scheme",
    .description = "oaep (with SHA-256) or pkcs1v15, of RSA keys.",
    .default_text = "oaep"};
inline constexpr api::Field kBatchInput{
    .name = "batch_input",
    .type = api::FieldType::kAny,
    .description =
        "A list of items to process in one request; the answer "
        "keeps their order."};
inline constexpr api::Field kPartialFailure{
    .name = "partial_failure_response_code",
    .type = api::FieldType::kInt,
    .description =
        "The status of an answer in which some items failed and "
        "some did not."};
inline constexpr api::Field kUrlAlgorithm{
    .name = "urlalgorithm",
    .description = "The hash algorithm, as part of the URL."};
inline constexpr api::Field kKeyType{
    .name = "type",
    .description = "The type of key to create.",
    .default_text = "aes256-gcm96"};
inline constexpr api::Field kConvergent{
    .name = "convergent_encryption",
    .type = api::FieldType::kBool,
    .description =
        "Whether equal plaintexts give equal ciphertexts in equal "
        "contexts; needs derived.",
    .default_text = "false"};
inline constexpr api::Field kExportable{
    .name = "exportable",
    .type = api::FieldType::kBool,
    .description = "Whether the key may be exported. Cannot be taken back.",
    .default_text = "false"};
inline constexpr api::Field kPlaintextBackup{
    .name = "allow_plaintext_backup",
    .type = api::FieldType::kBool,
    .description =
        "Whether the key may be backed up in plain text. Cannot be "
        "taken back.",
    .default_text = "false"};
inline constexpr api::Field kAutoRotate{
    .name = "auto_rotate_period",
    .type = api::FieldType::kDuration,
    .description =
        "The age at which the key is rotated by itself; 0 for "
        "never, otherwise at least an hour.",
    .default_text = "0"};

inline constexpr api::Field kMaxOperations{
    .name = "max_operations",
    .type = api::FieldType::kInt,
    .description =
        "The encryptions after which a version is replaced by a new one; at "
        "least 16, or 0 for as many as the type allows.",
    .default_text = "0"};

inline constexpr api::Field kManagedKeyName{
    .name = "managed_key_name",
    .description =
        "Of type managed_key: the name under sys/managed-keys of the key that "
        "the new version is."};
inline constexpr api::Field kManagedKeyId{
    .name = "managed_key_id",
    .description = "The same by the managed key's UUID."};

constexpr api::Field text_field(std::string_view name,
                                std::string_view description,
                                std::string_view otherwise = {}) {
  return {.name = name, .description = description, .default_text = otherwise};
}
constexpr api::Field typed(std::string_view name, api::FieldType type,
                           std::string_view description,
                           std::string_view otherwise = {}) {
  return {.name = name,
          .type = type,
          .description = description,
          .default_text = otherwise};
}

}  // namespace bulla::engine::transit
