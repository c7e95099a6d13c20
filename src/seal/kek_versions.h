#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "seal/custody.h"
#include "seal/envelope.h"
#include "seal/seal_config.h"

namespace bulla::seal {

/// The versions of the KEKs that this installation is under, and moving from
/// one to the next. Works on what is stored, sealed or not, except where a
/// function says otherwise. Each commit leaves every envelope under a version
/// that is loaded, so that a rotation that was interrupted is repeated, and
/// whatever was unsealed in between opened. Any thread; one change at a time.
/// A handle: copy it, its Custody must outlive it.
///
/// `seal` names a provider by its stanza's name or kind; "": the only one of
/// the install record. Every function answers
///   kInvalidArgument  "Vault is not initialized"; no such seal, or several.
///   kConflict         another change of the seal came first.
///   kUnavailable      a KEK or storage did not answer; the message says which.
class KekVersions {
 public:
  /// A node counts as live when it was seen within this; nodes' clocks may
  /// differ by less. Beats come every kBeatInterval.
  static constexpr std::chrono::seconds kLive{180};
  static constexpr std::chrono::seconds kBeatInterval{30};
  /// A node that died without leaving is forgotten after this.
  static constexpr std::chrono::hours kForgotten{24};

  struct Node {
    std::string name;
    Time seen;
    bool live = false;
    std::vector<kek::KekVersion> loaded;
  };
  struct Status {
    ProviderId id;
    bool recorded = false;       ///< Passkeys are under it.
    bool configured = false;     ///< In this process.
    kek::KekVersion active = 0;  ///< 0 where not recorded.
    kek::KekVersion target = 0;  ///< Of a rotation that is not done; 0: none.
    std::vector<kek::KekVersion> loaded;  ///< In this process.
    std::vector<kek::KekVersion> removed;
    std::map<kek::KekVersion, std::size_t> envelopes;
    std::vector<Node> nodes;
  };
  struct Rotation {
    ProviderId id;
    kek::KekVersion from = 0;
    kek::KekVersion to = 0;
    std::size_t envelopes = 0;  ///< Under the KEK, of any version.
    std::size_t rewrapped = 0;  ///< By this run; with `dry_run`: would be.
    bool dry_run = false;
  };
  struct RotateParams {
    std::string seal;
    std::optional<kek::KekVersion> from;  ///< Checked against the active one.
    std::optional<kek::KekVersion> to;    ///< Absent: the newest loaded.
    bool dry_run = false;
  };

  /// Those of the record, then the candidates, in order of priority.
  Result<std::vector<Status>> status();
  /// Whether a rotation to `target` would go through: it is loaded here and on
  /// every live node, wraps and opens, and every envelope opens now. Writes
  /// nothing.
  ///   kNotFound  it is not loaded, or was removed.
  ///   kCorrupt   an envelope does not open; names it.
  Result<Rotation> verify(std::string_view seal, kek::KekVersion target);
  /// Wraps every envelope under `to`, in as many commits as it takes; when all
  /// of them have been read again and opened, `to` becomes the active version,
  /// in one commit. Repeat it to finish one that was interrupted.
  ///   kNotFound         as verify().
  ///   kCorrupt          as verify(); what was wrapped already stays so.
  ///   kInvalidArgument  `from` is not active, or a live node lacks `to`.
  Result<Rotation> rotate(const RotateParams& params);
  /// Marks a version as never to be used again.
  ///   kNotFound         there is none, of those that are loaded or were
  ///   active. kInvalidArgument  it is active, an envelope or a live node needs
  ///   it; the
  ///                     message counts or names them.
  Result<ProviderId> remove(std::string_view seal, kek::KekVersion version);

  /// Makes the KEK of a version, where the provider makes its own (pkcs11).
  /// `seal` may be a candidate, or anything before init; "": the only one
  /// configured.
  ///   kConflict     there is such a version already.
  ///   kUnsupported  the KEKs of this provider are made elsewhere.
  Result<ProviderId> create(std::string_view seal, kek::KekVersion version);

  /// Registers what else is wrapped directly by a KEK. Before the first
  /// request; `source` must outlive the custody.
  void add_source(EnvelopeSource& source);

  /// Stores that this node is here and which versions it has loaded. Does
  /// nothing while not initialised, or when the configuration disagrees with
  /// the install record. Takes the beats of nodes away that are kForgotten.
  /// `node` names it: its host and address.
  Result<void> beat(std::string_view node);
  /// Takes the node's beat away: it stops.
  Result<void> leave(std::string_view node);

 private:
  friend class Custody;
  explicit KekVersions(Custody::Impl& impl) : impl_(&impl) {}

  struct Chosen;
  Result<Chosen> choose(std::string_view seal);
  Result<std::vector<Envelope>> envelopes_under(const ProviderId& id);
  static Result<void> check_up(const Chosen& chosen);
  Result<void> check_ready(const Chosen& chosen, kek::KekVersion to);
  static Result<void> check_exists(const Chosen& chosen,
                                   kek::KekVersion version);
  Result<void> check_unneeded(const Chosen& chosen, kek::KekVersion version);
  static Result<SecretBytes> open_envelope(const Chosen& chosen,
                                           const Envelope& envelope);
  /// Whether rotating to `to` has to wrap it anew.
  static bool is_due(const Chosen& chosen, const Envelope& envelope,
                     kek::KekVersion to);
  Result<void> set_target(Chosen& chosen, kek::KekVersion target);
  Result<std::size_t> rewrap(Chosen& chosen, kek::KekVersion to);
  Result<void> verify_all(const Chosen& chosen, kek::KekVersion to);
  Custody::Impl* impl_;
};

}  // namespace bulla::seal
