"""The starter book. Owns its two files: small, clean, with a passing test, and readable as an introduction."""

from pathlib import Path

from edgewise.book.loading import REGISTRY_FILE, SCENARIO_FOLDER, BookError

_REGISTRY = """\
# The registry: what every scenario of this book may name. Scenarios lie in scenarios/*.yaml.
apiVersion: edgewise/v1
kind: Registry
timezone: Europe/Berlin                 # when a request names none
policy: {free_shipping_from: 50}        # business constants, read as policy.free_shipping_from
signals:                                # typed facts about a visit
  page.kind:        {type: enum, values: [home, product, cart], source: request}
  cart.value:       {type: float, min: 0, source: request}
  customer.orders:
    {type: int, min: 0, source: profile, max_age: 1d, purposes: [personalize_content], label: your past orders}
segments:                               # behavioral groups: conditions are always quoted
  regular: {when: "customer.orders >= 3"}
purposes:                               # what personal data is used for
  personalize_content: {basis: consent, value_exchange: Helps you find what you need faster.}
decision_points:                        # places, and what is served there when no scenario applies
  cart.note: {surface: "web:/cart#note", fallback: {content: cart/standard}}
outcomes:                               # real results, not clicks
  order_completed: {event: Order Completed, measure: rate, window: 7d, join: [userId], direction: up, level: outcome}
limits: {max_live_scenarios: 3, max_signals_per_scenario: 8}
"""

_SCENARIO = """\
# One scenario: a situation, what is served in it, and how we know whether it helped.
apiVersion: edgewise/v1
kind: Scenario
id: full-cart
version: 1
status: live
owner: shop-squad
priority: 10
situation: A shopper looks at the cart and wonders what shipping will cost.
goal: Know the full price and order without surprises.
context: "page.kind == 'cart'"
pathways:                               # ordered branches; the last takes everyone who is left
  - {id: ships_free, when: "cart.value >= policy.free_shipping_from", next: orders}
  - {id: pays_shipping, otherwise: true}
decision_points:
  - id: cart.note
    default: {content: cart/shipping-costs, tone: plain}
    by_pathway:
      ships_free: {set: {content: cart/free-shipping}}
    overlays:                           # what a segment gets on top of its pathway
      - {segment: regular, set: {tone: brief}, explain: "You have ordered before, so we keep it short."}
outcome:
  primary: order_completed
  baseline: {value: 0.41, unit: orders per cart, measured: 2026-09-01/2026-09-30, source: web analytics}
experiment: {id: full-cart-1, arms: {as_is: 10, default: 45, personalized: 45}, unit: user, salt: full-cart-1}
explanation: "Shown because you are looking at your cart."
evidence:
  review: {accuracy: 4, frequency: 5, impact: 4, on: 2026-08-12}
  as_is: [fills the cart, looks for shipping costs, leaves to compare]
  opportunities: [say what shipping costs, say when it is free]
  stress_test: {prototype: true, interviews: {regular: 5}, on: 2026-08-30}
tests:                                  # `edgewise check` runs them in the real engine
  - name: fifty is enough
    signals: {page.kind: cart, cart.value: 50, customer.orders: 0}
    expect: {pathway: ships_free, segment: null, value: {content: cart/free-shipping, tone: plain}}
  - name: regulars get it short
    signals: {page.kind: cart, cart.value: 12.5, customer.orders: 7}
    expect: {pathway: pays_shipping, segment: regular}
  - name: without consent nobody is a regular
    signals: {page.kind: cart, cart.value: 12.5, customer.orders: 7}
    consent: {purposes: {personalize_content: false}}
    expect: {pathway: pays_shipping, segment: null}
"""


def write_starter(folder: Path) -> list[Path]:
    """Write the starter book into a new or empty folder; answers what was written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BookError(f"`{folder}` is not an empty folder; nothing was written")
    scenarios = folder / SCENARIO_FOLDER
    scenarios.mkdir(parents=True)
    files = {folder / REGISTRY_FILE: _REGISTRY, scenarios / "full-cart.yaml": _SCENARIO}
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return list(files)
