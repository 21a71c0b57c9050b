/* What the renderers share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_REPORTS_RENDER_H
#define NNC_REPORTS_RENDER_H

#include "reports/document.h"

#endif
