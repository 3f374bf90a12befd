"""Small made-up files of both forms, with something in them to learn."""

import numpy as np
import pytest

CLICK_COLUMNS = "year,month,day,order,country,session_id,category,model,colour,location,photo,price,price2,page"
SHOPPER_COLUMNS = (
    "Administrative,Administrative_Duration,Informational,Informational_Duration,ProductRelated,ProductRelated_Duration,"
    "BounceRates,ExitRates,PageValues,SpecialDay,Month,OperatingSystems,Browser,Region,TrafficType,VisitorType,Weekend,Revenue"
)


def _clicks(sessions: int) -> str:
    random = np.random.default_rng(5)
    lines = [CLICK_COLUMNS]
    for session in range(sessions):
        bargains = random.random() < 0.4
        for order in range(1, int(random.integers(2, 14)) + 1):
            category = 4 if random.random() < (0.8 if bargains else 0.05) else int(random.integers(1, 4))
            model, price = int(random.integers(1, 30)), int(random.integers(20, 80))
            month = 4 + session * 3 // sessions
            page = min(5, 1 + order // 3)
            lines.append(
                f"2008,{month},1,{order},{29 if bargains else 44},{session},{category},{model},1,1,1,{price},1,{page}"
            )
    return "\n".join(lines) + "\n"


def _shoppers(rows: int) -> str:
    random = np.random.default_rng(6)
    lines = [SHOPPER_COLUMNS]
    for row in range(rows):
        pages = int(random.integers(0, 60))
        bought = random.random() < pages / 90
        month, visitor = ("Nov", "Returning_Visitor") if row % 3 else ("May", "New_Visitor")
        seen = f"{pages % 5},{pages * 1.25},0,0,{pages},{pages * 30.5}"
        context = f"0,{month},2,2,1,{row % 4 + 1},{visitor},FALSE,{str(bought).upper()}"
        lines.append(f"{seen},0.01,0.02,0,{context}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """The two files, by the names of their models."""
    pytest.importorskip("lightgbm")
    folder = tmp_path_factory.mktemp("data")
    found = {"journey_intent": folder / "clicks.csv", "purchase_intent": folder / "shoppers.csv"}
    found["journey_intent"].write_text(_clicks(240))
    found["purchase_intent"].write_text(_shoppers(600))
    return found


@pytest.fixture(scope="session", params=["journey_intent", "purchase_intent"])
def trained(request, files):
    from edgewise.intent.train.training import train

    return train(request.param, files[request.param])
