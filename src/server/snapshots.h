#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "crypto/rng.h"
#include "snapshot/check.h"
#include "snapshot/marker.h"
#include "storage/storage.h"

namespace bulla::server {

/// Snapshots on their way out of a server and into it. Each is a file in one
/// directory that is fetched, or filled, part by part: a request needs memory
/// for one part, however large the store is. Any thread.
class Snapshots {
 public:
  /// What one request carries at most.
  static constexpr std::size_t kPartBytes = std::size_t{8} << 20;
  /// Files at once, each way.
  static constexpr std::size_t kFilesMax = 2;
  /// A file that nobody touched so long is dropped.
  static constexpr Seconds kIdleMax{600};
  /// How often a snapshot is begun anew when the engine takes it away.
  static constexpr int kTries = 8;

  /// `directory`: where the store is; "" makes a private one when it is needed.
  Snapshots(std::string directory, crypto::Rng& rng, const Clock& clock);
  ~Snapshots();

  struct Made {
    std::string id;
    snapshot::Summary summary;
  };
  /// Takes a snapshot of `storage` into a file without a name.
  ///   kConflict    kFilesMax are being fetched.
  ///   kExhausted   no space left for it beside the store.
  ///   and what snapshot::take() says.
  Result<Made> make(storage::Storage& storage);
  /// Up to kPartBytes from `offset` on.
  ///   kNotFound         no such snapshot: fetched, dropped or never there.
  ///   kInvalidArgument  `offset` is behind its end.
  Result<std::string> part(std::string_view id, std::uint64_t offset);

  /// Makes a file for a snapshot of so many bytes to come.
  ///   kConflict   kFilesMax are being filled.
  ///   kTooLarge   `bytes` is over `bytes_max`.
  Result<std::string> begin_upload(std::uint64_t bytes,
                                   std::uint64_t bytes_max);
  /// Puts a part in its place. May be repeated.
  ///   kNotFound         no such upload.
  ///   kInvalidArgument  it leaves a hole, or goes over the end.
  ///   kExhausted        no space left.
  Result<void> add(std::string_view id, std::uint64_t offset, ByteView part);
  /// Checks the whole and makes it last through a crash.
  ///   kNotFound         no such upload.
  ///   kInvalidArgument  not all of it is there, or it is no whole snapshot:
  ///                     the message says how.
  Result<snapshot::Checked> check_upload(std::string_view id);

  /// Drops what has that id, either way. kNotFound.
  Result<void> drop(std::string_view id);
  /// Drops what nobody touches.
  void tick();

  // Files of restores: they must outlive the process.
  /// Forgets the upload, and leaves its file to the caller.
  void hand_over(std::string_view id);
  std::string path_of(std::string_view id) const;
  void remove_file(std::string_view id) const;
  /// Removes all of them but that of `keep` ("" for none): at start.
  void tidy(std::string_view keep) const;

 private:
  struct Entry {
    explicit Entry(File opened) : file(std::move(opened)) {}
    File file;
    std::uint64_t bytes = 0;  ///< In all, once it is whole.
    std::uint64_t here = 0;   ///< Of an upload: so far.
    bool upload = false;
    Time touched;
    std::mutex mutex;  ///< Held while it is written or read.
  };
  using EntryPtr = std::shared_ptr<Entry>;

  Result<EntryPtr> find(std::string_view id, bool upload);
  Result<void> reserve(bool upload);
  Result<std::string> directory();
  std::string keep(EntryPtr entry, std::string id);
  Result<snapshot::Summary> fill(storage::Storage& storage, File& file);

  std::string directory_;
  bool own_directory_ = false;
  crypto::Rng& rng_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, EntryPtr, std::less<>> entries_;
  std::size_t making_ = 0;  ///< Snapshots that are being taken.
};

}  // namespace bulla::server
