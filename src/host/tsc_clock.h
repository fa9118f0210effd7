// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace boxlite::host {

// Ticks of the host's time stamp counter per millisecond, good to about 1 ppm; takes 10 ms. 0 when the host
// has none that runs evenly. Under TCG the guest reads this very counter but cannot measure it.
unsigned measure_tsc_khz();

}  // namespace boxlite::host
