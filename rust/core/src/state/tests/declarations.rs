//! What may be declared, how large it can get, and digests that never change.

use super::super::{RECORD_BYTES_MAX, RING_SIZE_MAX, union_bytes};
use super::*;

fn refusal(spec: AggregateSpec) -> String {
    Aggregate::new(spec).unwrap_err().to_string()
}

#[test]
fn every_kind_is_named_and_takes_its_types_only() {
    for kind in AggregateKind::ALL {
        assert_eq!(AggregateKind::from_name(kind.name()), Some(kind));
        for value_type in Type::ALL {
            let property = kind.takes_property().then_some("amount");
            let declared = Aggregate::new(spec(kind, property, value_type));
            assert_eq!(declared.is_ok(), kind.types().contains(&value_type), "{kind} of {value_type}");
        }
    }
    assert_eq!(AggregateKind::from_name("average"), None);
}

#[test]
fn refusals_say_what_to_do() {
    let count = spec(AggregateKind::Count, None, Type::Int);
    let ring = spec(AggregateKind::Ring, Some("category"), Type::StringSet);
    let decay = spec(AggregateKind::Decay, None, Type::Float);
    for (spec, expected) in [
        (AggregateSpec { event: String::new(), ..count.clone() }, "the event of an aggregate is empty: name one"),
        (
            AggregateSpec { property: Some("price".into()), ..count.clone() },
            "count looks at whole events: remove the property `price`, or say with `equals` which value counts",
        ),
        (AggregateSpec { size: Some(3), ..count.clone() }, "count has no size: remove it"),
        (AggregateSpec { half_life_ms: Some(3), ..count.clone() }, "count has no half-life: remove it"),
        (AggregateSpec { value_type: Type::Float, ..count }, "count cannot be of type `float`: use one of int"),
        (
            AggregateSpec { property: None, ..ring.clone() },
            "ring needs a property: name the one of `Product Viewed` to look at",
        ),
        (AggregateSpec { size: None, ..ring.clone() }, "ring needs a size: add one, from 1 to 32"),
        (AggregateSpec { size: Some(33), ..ring.clone() }, "the ring size `33` is out of range: use 1 to 32"),
        (AggregateSpec { size: Some(0), ..ring }, "the ring size `0` is out of range: use 1 to 32"),
        (AggregateSpec { half_life_ms: None, ..decay.clone() }, "decay needs a half-life: add one, as 10m"),
        (
            AggregateSpec { half_life_ms: Some(0), ..decay },
            "the half-life of `0` ms is out of range: use 1 ms to ten years",
        ),
        (
            AggregateSpec { equals: Some(Literal::Int(4)), ..spec(AggregateKind::Count, None, Type::Int) },
            "`equals` needs a property: name the one of `Product Viewed`",
        ),
        (
            AggregateSpec { equals: Some(Literal::Int(4)), ..spec(AggregateKind::Run, Some("amount"), Type::Int) },
            "run has no `equals`: remove it",
        ),
        (
            AggregateSpec { cap_ms: None, ..spec(AggregateKind::Dwell, None, Type::Duration) },
            "dwell needs a cap of one gap: add one, as 30m",
        ),
        (
            AggregateSpec { cap_ms: Some(86_400_001), ..spec(AggregateKind::Dwell, None, Type::Duration) },
            "the cap of `86400001` ms is out of range: use 1 ms to a day",
        ),
        (
            AggregateSpec { cap_ms: Some(1), ..spec(AggregateKind::Run, Some("amount"), Type::Int) },
            "run has no cap: remove it",
        ),
        (
            AggregateSpec { size: None, ..spec(AggregateKind::Repeats, Some("amount"), Type::Int) },
            "repeats needs a size: add one, from 1 to 32",
        ),
        (
            spec(AggregateKind::Last, None, Type::String),
            "last without a property is the time of the event: use type timestamp, or name a property",
        ),
    ] {
        assert_eq!(refusal(spec), expected);
    }
}

#[test]
fn digests_are_part_of_the_format() {
    // Each is the start of the SHA-256 of, for the first, ["count","Product Viewed",null,null,null,"int"].
    let count = spec(AggregateKind::Count, None, Type::Int);
    let ring = AggregateSpec { size: Some(8), ..spec(AggregateKind::Ring, Some("category"), Type::StringSet) };
    let decay = AggregateSpec { event: "Käse \"x\"".into(), ..spec(AggregateKind::Decay, None, Type::Float) };
    let digests = [count, ring, decay].map(|spec| Aggregate::new(spec).unwrap().digest());
    assert_eq!(digests, [0x3cd9_ea4b_93ce_fe1a, 0xbbfc_775f_c404_e4aa, 0x48b3_1f3d_8ff2_32ca]);

    // ["count","Product Viewed","category",null,null,"int","4",null] and
    // ["dwell","Product Viewed",null,null,null,"duration",null,60000].
    let sale = declare_equals(AggregateKind::Count, "category", Literal::Text("4".into()));
    let dwell = declare(AggregateKind::Dwell, None, Type::Duration);
    assert_eq!([sale.digest(), dwell.digest()], [0xe02c_1748_ef18_c658, 0xcf22_d64e_0e43_803a]);
}

#[test]
fn every_part_of_a_declaration_changes_its_digest() {
    let digests: std::collections::HashSet<_> = every_aggregate().iter().map(Aggregate::digest).collect();
    assert_eq!(digests.len(), every_aggregate().len());
}

#[test]
fn equal_declarations_share_a_field() {
    let count = declare(AggregateKind::Count, None, Type::Int);
    let since = declare(AggregateKind::Since, None, Type::Duration);
    let mut plan = Plan::default();
    let fields = [&count, &since, &count].map(|aggregate| plan.add(aggregate.clone()).unwrap());
    assert_eq!((fields, plan.fields().len()), ([0, 1, 0], 2));
    assert_eq!(union_bytes([&count, &since, &count]), union_bytes([&count, &since]));
}

#[test]
fn a_union_that_might_not_fit_is_refused() {
    let ring = |property: &str| {
        let spec = spec(AggregateKind::Ring, Some(property), Type::StringSet);
        Aggregate::new(AggregateSpec { size: Some(RING_SIZE_MAX), ..spec }).unwrap()
    };
    let mut plan = Plan::default();
    plan.add(ring("category")).unwrap();
    let error = plan.add(ring("brand")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "a record could take {} bytes, more than the {RECORD_BYTES_MAX} it may: \
             declare fewer aggregates, smaller rings or fewer texts",
            union_bytes([&ring("category"), &ring("brand")])
        )
    );
    assert_eq!(plan.fields().len(), 1);
}
