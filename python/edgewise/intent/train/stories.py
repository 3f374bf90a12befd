"""What the cards say that no figure can: for what a model is, for what not, what it learned from. Owns words only."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Story:
    """The words of one model's card."""

    summary: str
    use: str
    not_for: str
    data: str
    features: str
    limits: str


CLICKS_SOURCE: Final = (
    "Clickstream Data for Online Shopping, UCI Machine Learning Repository (id 553), "
    "M. Łapczyński and S. Białowąs, 2013; CC BY 4.0"
)
SHOPPERS_SOURCE: Final = (
    "Online Shoppers Purchasing Intention Dataset, UCI Machine Learning Repository (id 468), "
    "C. O. Sakar and Y. Kastro, 2018; CC BY 4.0"
)
LICENCES: Final = {"clicks": CLICKS_SOURCE, "shoppers": SHOPPERS_SOURCE}

STORIES: Final = {
    "journey_intent": Story(
        summary="Where a visit to an online shop is going, asked after every product that is looked at.",
        use="""\
A signal among others in a book's conditions, read after each `Product Viewed` event. Three heads in one graph:

- `engaged`: at least three more clicks follow;
- `sale_seeker`: a page of the sale is among the next five clicks;
- `exit_now`: this click is the last one of the visit.

The model sets a signal; what is served is chosen by rules. Good for choosing between offers of help that do no
harm when they are wrong, and for ordering attention: see how often the upper tenth of `exit_now` ends.""",
        not_for="""\
Decisions about persons: prices, credit, eligibility, anything that a visitor could be worse off for. It knows
nothing about who somebody is, and must not be used to guess it. Not for shops unlike the one it learned from
without being trained and judged again there; not as a forecast of purchases, of which the data has none.""",
        data="""\
{source}. Five months of 2008 in one Polish shop for maternity clothing, of which April to July are used;
weights only are shipped, no row of the data. The set's published codes are written out: `category` is one of
trousers, skirts, blouses and sale, countries are ISO codes. It has no clock, so that order alone is known: each
click is taken as one step after the one before, and no feature looks at time.""",
        features="""\
Events `Product Viewed` with the properties `category`, `product_id`, `price` and `page` (how deep in the list
of products), and the signal `geo.country`. Left out since they added next to nothing: colour, photo and its
place. A property that a shop does not send is a token the model has not learned, which weighs nothing: such
answers are rougher, and no longer calibrated. Without `geo.country` a visit counts as one of unknown country,
of which the data has some.""",
        limits="""\
- One shop, one year, one kind of product; 2008 is long ago. Products and prices are those of that shop.
- `exit_now` is weak, as it is for every model that was tried on this set. It tells tendencies, not visits.
- The first click of a visit says little: see the figures by length.
- Sessions end where the set ends them; nobody knows whether the visitor left or came back the next day.""",
    ),
    "purchase_intent": Story(
        summary="Whether a visit to an online shop ends with a purchase, from what an edge knows of it.",
        use="""\
A signal among others in a book's conditions, from the pages seen so far and the circumstances of the visit. One
head, `purchase`. The model sets a signal; what is served is chosen by rules. It ranks visits moderately well:
enough to choose between harmless variants, and to compare them among visits that are alike.""",
        not_for="""\
Decisions about persons: prices, discounts withheld, credit, eligibility. Not for shops unlike the one it
learned from without being trained and judged again there. Not for visits that have only just begun: the set
describes whole visits, so that an early answer is one about a visit that would end now.""",
        data="""\
{source}. One snapshot for each session of one shop in one year, most of them in March, May, November and
December; 125 rows of the whole set are doubles. Weights only are shipped, no row of the data.
`OperatingSystems`, `Browser`, `Region` and `TrafficType` are codes that the set does not explain.""",
        features="""\
State from `Page Viewed` events with the property `area` (administrative, informational or product): how many,
and for how long. Inputs: `visit.visitor` (returning, new, other), `visit.weekend`, `visit.month` (1 to 12),
`visit.special_day` (0 to 1, how near), `visit.system`, `visit.browser`, `visit.region`, `visit.traffic`
(codes). Left out on purpose: `PageValues`, `BounceRates` and `ExitRates`, which are averages over the whole
site and its later purchases; no session knows them.

Nobody can fill the unexplained codes in another shop, so each session was learned twice: as it is, and, at half
the weight, with the codes and the special day missing. The figures without them are below.""",
        limits="""\
- Weak: most of what is published for this set rests on `PageValues`, which may carry the outcome it predicts.
- The month matters much and years differ: parted by time instead of at random, the model is worse and badly
  calibrated (above). Watch its calibration, and train it again for each season.
- One shop, one year; what its codes mean is unknown.
- Snapshots of whole visits: nothing is known about how good answers are in the middle of one.""",
    ),
}
