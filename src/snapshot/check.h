#pragma once

#include "base/result.h"
#include "snapshot/reader.h"

namespace bulla::snapshot {

/// A snapshot that was read to its end.
struct Checked {
  Header header;
  Summary summary;
};

/// Reads all of it: every checksum holds, and what a server needs to open it is
/// there and is what the header says. Needs no key, and shows nothing of who
/// wrote it: only opening the entries does.
///   kCorrupt      cut short, altered, or not what a server would write.
///   kUnsupported  of a newer format.
///   and what the source says.
Result<Checked> check(Source source);

}  // namespace bulla::snapshot
