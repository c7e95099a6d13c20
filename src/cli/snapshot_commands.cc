#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "base/encoding.h"
#include "base/file.h"
#include "cli/invocation.h"
#include "cli/key_values.h"
#include "cli/passphrase_flag.h"
#include "cli/table.h"
#include "crypto/sha256_stream.h"

namespace bulla::cli {
namespace {

constexpr std::string_view kSave = "sys/storage/snapshot";
constexpr std::string_view kRestore = "sys/storage/restore";
// Checking and writing several gigabytes; taking them.
constexpr std::chrono::hours kLong{6};

const Value& data_of(const Value& answer) {
  const Value* const data = answer.find("data");
  return data == nullptr ? answer : *data;
}

std::string part_path(std::string_view base, const std::string& id,
                      std::uint64_t offset) {
  return fmt::format("{}/{}/part/{}", base, id, offset);
}

/// Where `save` puts the parts: a file that gets its name when it is whole, or
/// standard output.
class Target {
 public:
  explicit Target(Invocation& call) : call_(call) {}

  Result<void> open(const std::string& name) {
    if (name == "-") return {};
    name_ = name;
    // What an earlier attempt left.
    std::remove(partial().c_str());
    TRY_ASSIGN(auto file, File::create(partial()));
    file_.emplace(std::move(file));
    return {};
  }
  Result<void> write(std::string_view bytes) {
    if (!file_) {
      call_.host().console.out(bytes);
      return {};
    }
    TRY(file_->write_at(at_, as_bytes(bytes)));
    at_ += bytes.size();
    return {};
  }
  Result<void> finish() {
    if (!file_) return {};
    TRY(file_->sync());
    if (std::rename(partial().c_str(), name_.c_str()) == 0) return {};
    return fail(
        unavailable(fmt::format("cannot rename {} to {}", partial(), name_)));
  }
  void give_up() {
    if (file_) file_->unlink();
  }

 private:
  std::string partial() const { return name_ + ".partial"; }

  Invocation& call_;
  std::string name_;
  std::optional<File> file_;
  std::uint64_t at_ = 0;
};

/// Holds what comes against the checksum that stands at its end.
class Checksum {
 public:
  explicit Checksum(std::uint64_t bytes)
      : left_(bytes - std::min<std::uint64_t>(bytes, crypto::kSha256Bytes)) {}

  void add(std::string_view part) {
    const auto covered = std::min<std::uint64_t>(left_, part.size());
    left_ -= covered;
    stream_.update(as_bytes(part.substr(0, covered)));
  }
  std::string hex() const { return hex_encode(stream_.digest()); }

 private:
  std::uint64_t left_;
  crypto::Sha256Stream stream_;
};

constexpr std::string_view kRepeat =
    "run the command again; nothing was kept of this attempt";

int fetch(Invocation& call, const Value& made, Target& target) {
  const std::string id = made.text_of("id");
  const auto bytes = static_cast<std::uint64_t>(made.integer_of("bytes"));
  Checksum checksum(bytes);
  for (std::uint64_t at = 0; at < bytes;) {
    const auto part = call.api().get(part_path(kSave, id, at));
    if (!part) return call.fail("Error fetching the snapshot", part.error());
    if (part->raw.empty()) {
      return call.refuse("Error: a part of the snapshot is missing", kRepeat);
    }
    checksum.add(part->raw);
    if (auto written = target.write(part->raw); !written) {
      return call.refuse("Error: " + written.error().message(), kRepeat);
    }
    at += part->raw.size();
  }
  if (checksum.hex() == made.text_of("sha256")) return 0;
  return call.refuse("Error: the snapshot was damaged on its way", kRepeat);
}

int save(Invocation& call) {
  const std::string name = call.argument(0);
  Target target(call);
  if (auto opened = target.open(name); !opened) {
    return call.refuse("Error: " + opened.error().message(),
                       "name a file that can be written");
  }
  const auto answer = call.api().call(
      {.method = "POST", .path = std::string(kSave), .once_within = kLong});
  if (!answer) {
    target.give_up();
    return call.fail("Error taking a snapshot", answer.error());
  }
  const Value& made = data_of(answer->json);
  const int code = fetch(call, made, target);
  // It goes by itself after a while.
  static_cast<void>(
      call.api().remove(fmt::format("{}/{}", kSave, made.text_of("id"))));
  if (code != 0) {
    target.give_up();
    return code;
  }
  if (auto finished = target.finish(); !finished) {
    target.give_up();
    return call.refuse("Error: " + finished.error().message());
  }
  if (name == "-") return 0;
  return call.done(fmt::format(
      "Success! Saved {} entries in {}, {} bytes. See who opens it: `bulla "
      "operator snapshot inspect {}`",
      made.integer_of("entries"), name, made.integer_of("bytes"), name));
}

Result<std::string> read_part(const File& file, std::uint64_t at,
                              std::uint64_t bytes) {
  std::string part(bytes, '\0');
  TRY_ASSIGN(
      const std::size_t got,
      file.read_at(at, {reinterpret_cast<std::uint8_t*>(part.data()), bytes}));
  part.resize(got);
  if (part.empty()) return fail(unavailable("the file became shorter"));
  return part;
}

int upload(Invocation& call, const File& file, std::uint64_t bytes,
           const Value& begun) {
  const auto most = std::max<std::int64_t>(begun.integer_of("part_bytes"), 1);
  for (std::uint64_t at = 0; at < bytes;) {
    auto part = read_part(
        file, at,
        std::min<std::uint64_t>(bytes - at, static_cast<std::uint64_t>(most)));
    if (!part) {
      return call.refuse("Error reading the snapshot: " +
                         part.error().message());
    }
    const std::size_t size = part->size();
    const auto answer =
        call.api().call({.method = "POST",
                         .path = part_path(kRestore, begun.text_of("id"), at),
                         .bytes = *std::move(part)});
    if (!answer) return call.fail("Error sending the snapshot", answer.error());
    at += size;
  }
  return 0;
}

std::string restored_text(const Value& done) {
  std::string text = fmt::format(
      "Success! Restored {} entries of the installation {}.",
      done.integer_of("entries"), visible(done.text_of("installation")));
  if (!done.flag_of("sealed")) return text + " The server is unsealed.";
  text += " The server is sealed; any one of these passkeys opens it:\n";
  const Value* const passkeys = done.find("passkeys");
  if (passkeys == nullptr) return text;
  for (const Value& passkey : passkeys->items) {
    text += "\n  " + visible(passkey.text_of("name")) + " (" +
            visible(passkey.text_of("kind")) + ")";
  }
  return text;
}

int restore_file(Invocation& call, const File& file, std::uint64_t bytes) {
  Value body = Value::object();
  body.set("bytes", Value::number(static_cast<std::int64_t>(bytes)));
  const auto begun = call.api().call({.method = "POST",
                                      .path = std::string(kRestore),
                                      .body = std::move(body)});
  if (!begun) return call.fail("Error restoring", begun.error());
  const Value& upload_data = data_of(begun->json);
  const std::string path =
      fmt::format("{}/{}", kRestore, upload_data.text_of("id"));
  const int code = upload(call, file, bytes, upload_data);
  if (code != 0) {
    static_cast<void>(call.api().remove(path));
    return code;
  }
  Value force = Value::object();
  force.set("force", Value::boolean(call.flags().on("force")));
  const auto done = call.api().call({.method = "POST",
                                     .path = path + "/apply",
                                     .body = std::move(force),
                                     .once_within = kLong});
  if (done)
    return call.show(data_of(done->json), restored_text(data_of(done->json)));
  static_cast<void>(call.api().remove(path));
  return call.fail("Error restoring", done.error());
}

int restore(Invocation& call) {
  const auto file = File::open(call.argument(0));
  if (!file) return call.refuse("Error: " + file.error().message());
  const auto bytes = file->size();
  if (!bytes) return call.refuse("Error: " + bytes.error().message());
  if (*bytes == 0) return call.refuse("Error: the file is empty");
  return restore_file(call, *file, *bytes);
}

std::vector<TableRow> snapshot_rows(const Value& data) {
  const auto number = [&](std::string_view key) {
    return std::to_string(data.integer_of(key));
  };
  return {{"Installation", visible(data.text_of("installation"))},
          {"Taken", data.text_of("taken")},
          {"By Version", visible(data.text_of("version"))},
          {"From Storage", visible(data.text_of("storage"))},
          {"Entries", number("entries")},
          {"Bytes", number("bytes")},
          {"SHA-256", data.text_of("sha256")}};
}

std::string opens_text(const Value& passkey) {
  if (passkey.integer_of("threshold") == 0) {
    return visible(passkey.text_of("provider"));
  }
  return fmt::format("{} of {} shares", passkey.integer_of("threshold"),
                     passkey.integer_of("shares"));
}

std::string passkeys_text(const Value& data) {
  std::vector<TableRow> rows = {
      {"Passkey", "Kind", "Opened By", "KEK Version", "Key ID", "Verified"}};
  const Value* const passkeys = data.find("passkeys");
  if (passkeys == nullptr) return "";
  for (const Value& passkey : passkeys->items) {
    rows.push_back(
        {visible(passkey.text_of("name")), visible(passkey.text_of("kind")),
         opens_text(passkey), std::to_string(passkey.integer_of("kek_version")),
         visible(passkey.text_of("key_id")), passkey.text_of("last_verified")});
  }
  return format_table(rows);
}

int refuse_snapshot(Invocation& call, const Error& error) {
  const bool damaged = error.code() == ErrorCode::kCorrupt;
  return call.refuse(
      "Error: " + error.message(),
      damaged ? "use another snapshot; this one will not restore" : "");
}

Result<Value> inspected(Invocation& call) {
  TRY_ASSIGN(const auto json, call.host().snapshots.inspect(call.argument(0)));
  return parse_value(json);
}

int inspect(Invocation& call) {
  const auto data = inspected(call);
  if (!data) return refuse_snapshot(call, data.error());
  return call.show(*data, format_columns(snapshot_rows(*data)) +
                              "\n\nAny one of these opens it:\n\n" +
                              passkeys_text(*data));
}

// The passkeys to try: those that were named, or the one that there is.
Result<std::vector<Value>> chosen_passkeys(Invocation& call,
                                           const Value& data) {
  const Value* const all = data.find("passkeys");
  std::vector<std::string> names;
  std::vector<Value> chosen;
  const auto& wanted = call.flags().list("passkey");
  for (const Value& passkey : all->items) {
    names.push_back(passkey.text_of("name"));
    if (std::ranges::find(wanted, names.back()) != wanted.end()) {
      chosen.push_back(passkey);
    }
  }
  if (wanted.empty() && all->items.size() == 1) return all->items;
  if (!wanted.empty() && chosen.size() == wanted.size()) return chosen;
  return fail(invalid_argument(
      fmt::format("name passkeys to open it with, -passkey=NAME; it has {}",
                  visible(fmt::format("{}", fmt::join(names, ", "))))));
}

Result<void> add_shares(Invocation& call, std::string_view text,
                        std::vector<SecretBytes>& shares) {
  constexpr std::string_view kSpace = " \t\r\n";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(kSpace), text.size());
    if (end > 0) {
      call.hide(text.substr(0, end));
      shares.push_back(SecretBytes::copy_of(as_bytes(text.substr(0, end))));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Result<std::vector<SecretBytes>> shares_for(Invocation& call,
                                            const Value& passkey) {
  std::vector<SecretBytes> shares;
  const std::string source = call.flags().text("shares-file");
  if (!source.empty()) {
    TRY_ASSIGN(auto text, source == "-" ? call.host().console.read_input()
                                        : read_file(source));
    const WipeGuard guard(
        {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    TRY(add_shares(call, text, shares));
    return shares;
  }
  for (std::int64_t i = 1; i <= passkey.integer_of("threshold"); ++i) {
    TRY_ASSIGN(const auto share,
               call.ask(fmt::format("Share {} of {} of \"{}\" (will be "
                                    "hidden): ",
                                    i, passkey.integer_of("threshold"),
                                    visible(passkey.text_of("name")))));
    TRY(add_shares(call, as_text(share.expose()), shares));
  }
  return shares;
}

Result<SnapshotKey> key_for(Invocation& call, const Value& passkey) {
  SnapshotKey key;
  key.passkey = passkey.text_of("name");
  if (passkey.text_of("kind") == "shamir") {
    TRY_ASSIGN(key.shares, shares_for(call, passkey));
    return key;
  }
  if (!passkey.text_of("provider").empty()) {
    key.config = call.flags().list("config");
    return key;
  }
  TRY_ASSIGN(key.passphrase, passphrase_of_flag(call));
  if (!key.passphrase.empty()) return key;
  TRY_ASSIGN(key.passphrase,
             call.ask(fmt::format("Passphrase of \"{}\" (will be hidden): ",
                                  visible(key.passkey))));
  return key;
}

Result<Value> verify_with(Invocation& call, const Value& passkey) {
  TRY_ASSIGN(auto key, key_for(call, passkey));
  TRY_ASSIGN(const auto json,
             call.host().snapshots.verify(call.argument(0), std::move(key)));
  return parse_value(json);
}

int verify(Invocation& call) {
  const auto data = inspected(call);
  if (!data) return refuse_snapshot(call, data.error());
  const auto passkeys = chosen_passkeys(call, *data);
  if (!passkeys) return call.misuse(passkeys.error().message());
  Value all = Value::array();
  std::string text;
  for (const Value& passkey : *passkeys) {
    const auto verified = verify_with(call, passkey);
    if (!verified) {
      return call.refuse(
          fmt::format("Error: it does not open with the passkey \"{}\": {}",
                      visible(passkey.text_of("name")),
                      verified.error().message()),
          "`bulla operator snapshot inspect` shows what opens it; a seal that "
          "opens by itself needs -config=FILE");
    }
    text += fmt::format(
        "Success! The passkey \"{}\" opens it, and each of its "
        "{} sealed entries; {} more lie in the clear.\n",
        visible(passkey.text_of("name")),
        verified->integer_of("opened_entries"),
        verified->integer_of("clear_entries"));
    all.push(*verified);
  }
  text.pop_back();
  return call.show(all, text);
}

constexpr std::array<FlagRow, 1> kRestoreFlags = {{
    {"force", "", FlagKind::kSwitch, "",
     "Replace the installation that the server has. It is gone then."},
}};
constexpr std::array<FlagRow, 6> kVerifyFlags = {{
    {"passkey", "", FlagKind::kList, "NAME",
     "A passkey to open it with; may be given several times. Not needed where "
     "it has one."},
    {"config", "", FlagKind::kList, "PATH",
     "A server's configuration with the seals that open by themselves."},
    {"shares-file", "", FlagKind::kText, "FILE",
     "A file with shares, one a line; - reads them from standard input. They "
     "are asked for if nothing is said."},
    kPassphraseFlag,
    {"format", "", FlagKind::kText, "FORMAT",
     "How to print: table, json or yaml.", "FORMAT"},
    {"field", "", FlagKind::kText, "NAME", "Print only this field."},
}};
constexpr std::array<Example, 2> kSaveExamples = {{
    {"Save a snapshot", "bulla operator snapshot save bulla.snapshot"},
    {"Copy one to another machine",
     "bulla operator snapshot save - | ssh backup 'cat > bulla.snapshot'"},
}};
constexpr std::array<Example, 2> kRestoreExamples = {{
    {"Restore on a new server, which needs no token",
     "bulla operator snapshot restore bulla.snapshot"},
    {"Put a server back to what it was",
     "bulla operator snapshot restore -force bulla.snapshot"},
}};
constexpr std::array<Example, 1> kInspectExamples = {{
    {"See whose it is and what opens it",
     "bulla operator snapshot inspect bulla.snapshot"},
}};
constexpr std::array<Example, 3> kVerifyExamples = {{
    {"Prove that the HSM opens it",
     "bulla operator snapshot verify -config=/etc/bulla/bulla.hcl "
     "-passkey=hsm bulla.snapshot"},
    {"Be asked for shares",
     "bulla operator snapshot verify -passkey=break-glass bulla.snapshot"},
    {"Use a passphrase in a file",
     "bulla operator snapshot verify -passkey=office "
     "-passphrase-file=office.txt bulla.snapshot"},
}};

constexpr std::array<Command, 5> kCommands = {{
    {"operator snapshot", "Save and restore the whole store", "",
     "Commands for snapshots: everything that a server stores in one file, "
     "still sealed.",
     CommandKind::kGroup},
    {"operator snapshot save",
     "Save a snapshot of the store of a server",
     "FILE|-",
     "Saves everything that the server stores, as it is at one moment, while "
     "it serves. Nothing is decrypted: any one passkey of the installation "
     "opens what is restored from it. FILE is there when all of it is; - "
     "writes to standard output. Needs a token with sudo.",
     CommandKind::kRemote,
     1,
     1,
     save,
     {},
     kSaveExamples},
    {"operator snapshot restore", "Restore a snapshot into a server", "FILE",
     "Sends a snapshot to a server, which checks all of it before it changes "
     "anything, and then becomes what was saved. On a server that is not "
     "initialized this needs no token: there is nothing yet to guard. "
     "Afterwards any one passkey opens it, and the tokens of then work.",
     CommandKind::kRemote, 1, 1, restore, kRestoreFlags, kRestoreExamples},
    {"operator snapshot inspect", "Show whose a snapshot is and what opens it",
     "FILE",
     "Reads a snapshot to its end, proves its checksums, and shows when it was "
     "taken, of which installation, and which passkeys open it. Needs no "
     "server and no key.",
     CommandKind::kLocal, 1, 1, inspect, std::span(kVerifyFlags).last(2),
     kInspectExamples},
    {"operator snapshot verify", "Prove that a passkey opens a snapshot",
     "FILE",
     "Opens a snapshot with a passkey, in memory, and decrypts each of its "
     "entries there. Needs no server; writes nothing. Shares and passphrases "
     "are asked for, or come from files.",
     CommandKind::kLocal, 1, 1, verify, kVerifyFlags, kVerifyExamples},
}};

}  // namespace

std::span<const Command> snapshot_commands() { return kCommands; }

}  // namespace bulla::cli
