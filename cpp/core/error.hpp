// SPDX-License-Identifier: Apache-2.0
// The exceptions that leave the core. Arguments are validated in Python; what is thrown here is
// either a broken promise of the binding layer or a fact of the running system.
#pragma once

#include <stdexcept>
#include <string>

namespace voxkern {

struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// "argument: got X, allowed Y": becomes voxkern.ArgumentError (a ValueError) in Python.
struct InvalidArgument : Error {
    using Error::Error;
};

// The cancellation token was raised while the call ran; outputs are unspecified.
struct Cancelled : Error {
    Cancelled() : Error("cancelled") {}
};

}  // namespace voxkern
