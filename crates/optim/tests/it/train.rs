//! Damping, line search and curvature subsets.

use osculant_optim::train::{
    Armijo, BacktrackedIterate, CgIterate, ConstantDamping, Cyclic, Damping, Direction,
    EmpiricalFisher, Everything, Fixed, Fresh, Given, Globalization, LastIterate,
    LevenbergMarquardt, Nielsen, Progress, Sampling, Search, Size, StepRejection, Subset,
    TrustRegion, WarmStart,
};

/// A direction of length 1 with no curvature.
fn along(value: f64, slope: f64) -> Direction {
    Direction {
        value,
        slope,
        curvature: 0.0,
        length: 1.0,
    }
}

fn after(ratio: f64, accepted: bool) -> f64 {
    let mut damping = LevenbergMarquardt::default();
    damping.update(&Progress { ratio, accepted });
    damping.lambda()
}

#[test]
fn damping_follows_the_ratio() {
    assert_eq!(after(0.24999, true), 1.5);
    assert_eq!(after(0.25, true), 1.0);
    assert_eq!(after(0.74999, true), 1.0);
    assert_eq!(after(0.75, true), 2.0 / 3.0);
    assert_eq!(after(-3.0, true), 1.5);
}

#[test]
fn damping_rises_when_there_was_no_step_or_no_ratio() {
    assert_eq!(after(1.0, false), 1.5);
    assert_eq!(after(f64::NAN, true), 1.5);
}

#[test]
fn damping_never_sticks_at_zero_or_infinity() {
    let mut damping = LevenbergMarquardt::default();
    let good = Progress {
        ratio: 1.0,
        accepted: true,
    };
    let bad = Progress {
        ratio: 0.0,
        accepted: true,
    };
    (0..10_000).for_each(|_| damping.update(&good));
    assert_eq!(damping.lambda(), 1e-30);
    (0..10_000).for_each(|_| damping.update(&bad));
    assert_eq!(damping.lambda(), 1e30);
    damping.update(&good);
    assert!(damping.lambda() < 1e30);
}

#[test]
fn damping_goes_on_from_a_saved_state() {
    let progress = Progress {
        ratio: 0.9,
        accepted: true,
    };
    let mut first = LevenbergMarquardt::default();
    first.update(&progress);
    let mut second = LevenbergMarquardt::default();
    second.restore(&first.state()).unwrap();
    assert_eq!(first, second);
    assert!(second.restore(&[]).is_err());
    assert!(second.restore(&[f64::NAN]).is_err());
    let mut constant: Box<dyn Damping> = Box::new(ConstantDamping::none());
    constant.restore(&[0.5]).unwrap();
    constant.update(&progress);
    assert_eq!(constant.lambda(), 0.5);
}

#[test]
fn nielsens_rule_is_smooth_in_the_ratio_and_doubles_its_boost() {
    let update = |damping: &mut Nielsen, ratio, accepted| {
        damping.update(&Progress { ratio, accepted });
        damping.lambda()
    };
    let mut damping = Nielsen::default();
    assert_eq!(update(&mut damping, f64::NAN, true), 2.0);
    assert_eq!(update(&mut damping, 0.9, false), 8.0);
    let mut resumed = Nielsen::default();
    resumed.restore(&damping.state()).unwrap();
    assert_eq!(resumed, damping);
    assert_eq!(update(&mut damping, -0.1, true), 64.0);
    // A perfect prediction divides by 3, one of half the decrease changes nothing.
    assert_eq!(update(&mut damping, 1.0, true), 64.0 / 3.0);
    assert_eq!(update(&mut damping, 0.5, true), 64.0 / 3.0);
    // ν is back at 2.
    assert_eq!(update(&mut damping, 0.0, true), 128.0 / 3.0);
    for _ in 0..10_000 {
        update(&mut damping, -1.0, false);
    }
    assert_eq!(damping.lambda(), 1e30);
    assert!(damping.state().iter().all(|x| x.is_finite()));
    for bad in [&[1.0][..], &[1.0, 1.0], &[f64::NAN, 2.0], &[0.0, 2.0]] {
        assert!(Nielsen::default().restore(bad).is_err(), "{bad:?}");
    }
    assert!(Nielsen::default().initial(f64::INFINITY).is_err());
}

#[test]
fn damping_without_meaning_is_refused() {
    let lm = LevenbergMarquardt::default();
    assert!(lm.initial(0.0).is_err());
    assert!(lm.initial(f64::NAN).is_err());
    assert!(lm.factors(1.5, 1.5).is_err());
    assert!(lm.factors(0.5, 0.5).is_err());
    assert!(lm.thresholds(0.8, 0.2).is_err());
    assert!(ConstantDamping::new(-1.0).is_err());
}

#[test]
fn a_good_full_step_takes_one_trial() {
    let mut f = |a: f64| Ok((1.0 - a).powi(2));
    let found = Armijo::default().search(&along(1.0, -2.0), &mut f).unwrap();
    assert_eq!(
        found,
        Search::Accepted {
            step: 1.0,
            value: 0.0,
            trials: 1
        }
    );
}

#[test]
fn trials_halve_and_a_decrease_too_small_is_not_enough() {
    let mut steps = Vec::new();
    // Decreases of 1e-5 of the slope at first: below η.
    let mut f = |a: f64| {
        steps.push(a);
        Ok(if a > 0.2 {
            1.0 - 1e-5 * a
        } else {
            1.0 - 0.5 * a
        })
    };
    let found = Armijo::default().search(&along(1.0, -1.0), &mut f).unwrap();
    assert_eq!(
        found,
        Search::Accepted {
            step: 0.125,
            value: 0.9375,
            trials: 4
        }
    );
    assert_eq!(steps, [1.0, 0.5, 0.25, 0.125]);
}

#[test]
fn a_trial_that_is_not_finite_is_rejected() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut f = |a: f64| Ok(if a > 0.5 { bad } else { -a });
        let found = Armijo::default().search(&along(0.0, -1.0), &mut f).unwrap();
        assert_eq!(
            found,
            Search::Accepted {
                step: 0.5,
                value: -0.5,
                trials: 2
            }
        );
    }
}

#[test]
fn a_search_that_finds_nothing_ends() {
    let mut f = |_: f64| Ok(f64::NAN);
    let found = Armijo::default().search(&along(0.0, -1.0), &mut f).unwrap();
    assert!(matches!(found, Search::Exhausted { trials: 30, value, .. } if value.is_nan()));
    let mut flat = |_: f64| Ok(0.0);
    let mut short = Armijo::default().max_trials(3).unwrap();
    let found = short.search(&along(0.0, -1.0), &mut flat).unwrap();
    assert_eq!(
        found,
        Search::Exhausted {
            trials: 3,
            step: 0.25,
            value: 0.0
        }
    );
    assert!(found.to_string().contains("3 trials"));
}

#[test]
fn a_direction_that_does_not_descend_is_not_tried() {
    for slope in [0.0, 1.0, f64::NAN, f64::NEG_INFINITY] {
        let mut f = |_: f64| -> osculant_optim::Result<f64> { panic!("f was asked for") };
        let found = Armijo::default()
            .search(&along(0.0, slope), &mut f)
            .unwrap();
        assert!(matches!(found, Search::NotDescent { .. }));
    }
}

#[test]
fn a_search_passes_errors_on_and_wants_a_finite_start() {
    let mut f = |_: f64| Given::new(vec![]).subset(0, 1).map(|_| 0.0);
    assert!(Armijo::default().search(&along(0.0, -1.0), &mut f).is_err());
    assert!(
        Armijo::default()
            .search(&along(f64::NAN, -1.0), &mut |_| Ok(0.0))
            .is_err()
    );
    assert!(Armijo::default().eta(1.0).is_err());
    assert!(Armijo::default().factor(0.0).is_err());
    assert!(Armijo::default().max_trials(0).is_err());
}

/// What a rule makes of a whole step to this value of f, from 1 with a predicted change of −1.
fn whole(rule: &mut dyn Globalization, value: f64) -> bool {
    let along = Direction {
        curvature: 2.0,
        ..along(1.0, -2.0)
    };
    let found = rule.search(&along, &mut |alpha| {
        assert_eq!(alpha, 1.0);
        Ok(value)
    });
    matches!(found.unwrap(), Search::Accepted { step: 1.0, .. })
}

#[test]
fn a_whole_step_is_taken_by_its_ratio() {
    let mut rule = StepRejection::new(0.1).unwrap();
    assert!(whole(&mut rule, 0.89));
    assert!(!whole(&mut rule, 0.91));
    assert!(!whole(&mut rule, 1.5));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(!whole(&mut rule, bad));
        assert!(!whole(&mut TrustRegion::default(), bad));
    }
    // Where the paraboloid promises an increase, an increase is no success.
    let up = Direction {
        curvature: 10.0,
        ..along(1.0, -2.0)
    };
    let found = rule.search(&up, &mut |_| Ok(4.0)).unwrap();
    assert!(matches!(found, Search::Exhausted { trials: 1, .. }));
    assert!(StepRejection::new(1.0).is_err());
    assert!(StepRejection::new(f64::NAN).is_err());
}

#[test]
fn a_trust_region_follows_the_ratio() {
    let radius = |value: f64| {
        let mut region = TrustRegion::default();
        whole(&mut region, value);
        region.radius().unwrap()
    };
    assert_eq!(radius(0.2), 2.0);
    assert_eq!(radius(0.3), 1.0);
    assert_eq!(radius(0.7), 1.0);
    assert_eq!(radius(0.8), 0.25);
    assert_eq!(radius(1.1), 0.25);
    assert_eq!(radius(f64::NAN), 0.25);
    // A step that ends inside says nothing about the boundary.
    let mut wide = TrustRegion::default().radii(3.0, 10.0).unwrap();
    assert!(whole(&mut wide, 0.0));
    assert_eq!(wide.radius(), Some(3.0));
    // A failure shrinks to a part of the step that failed, not of the radius.
    assert!(!whole(&mut wide, 2.0));
    assert_eq!(wide.radius(), Some(0.25));
}

#[test]
fn a_trust_region_is_bounded_and_goes_on_from_a_saved_state() {
    let mut region = TrustRegion::default().radii(1.0, 3.0).unwrap();
    let far = |length| Direction {
        length,
        ..along(1.0, -2.0)
    };
    for _ in 0..5 {
        let along = far(region.radius().unwrap());
        region.search(&along, &mut |_| Ok(-1.0)).unwrap();
    }
    assert_eq!(region.radius(), Some(3.0));
    for length in [0.0, f64::NAN, 1e-300] {
        for _ in 0..200 {
            region.search(&far(length), &mut |_| Ok(2.0)).unwrap();
        }
    }
    assert_eq!(region.radius(), Some(1e-30));
    let mut resumed = TrustRegion::default().radii(1.0, 3.0).unwrap();
    resumed.restore(&region.state()).unwrap();
    assert_eq!(resumed, region);
    for bad in [&[][..], &[f64::NAN], &[4.0], &[0.0]] {
        assert!(resumed.restore(bad).is_err(), "{bad:?}");
    }
    assert!(TrustRegion::default().radii(2.0, 1.0).is_err());
    assert!(TrustRegion::default().radii(1.0, f64::INFINITY).is_err());
    assert!(TrustRegion::default().eta(0.25).is_err());
    assert!(Armijo::default().restore(&[1.0]).is_err());
}

#[test]
fn a_choice_among_no_candidates_is_refused() {
    let mut f = |_| Ok(0.0);
    assert!(LastIterate.choose(0, &mut f).is_err());
    assert!(BacktrackedIterate::default().choose(0, &mut f).is_err());
}

#[test]
fn an_iterate_is_looked_for_from_the_last_back() {
    let chosen = |f: &[f64]| {
        let mut asked = Vec::new();
        let chosen = BacktrackedIterate::default().choose(f.len(), &mut |j| {
            asked.push(j);
            Ok(f[j])
        });
        (chosen.unwrap(), asked)
    };
    assert_eq!(chosen(&[1.0, 3.0, 2.0]), (2, vec![2, 1]));
    assert_eq!(chosen(&[0.0, 3.0, 2.0, 4.0]), (2, vec![3, 2, 1]));
    assert_eq!(chosen(&[1.0, 2.0, 3.0]), (0, vec![2, 1, 0]));
    // Equal is not better.
    assert_eq!(chosen(&[1.0, 1.0]).0, 1);
    // Values that are not finite are passed over on the way back, and end the way once one was.
    assert_eq!(chosen(&[2.0, f64::NAN, f64::NEG_INFINITY]).0, 0);
    assert_eq!(chosen(&[1.0, f64::NAN, 2.0]).0, 2);
    assert_eq!(chosen(&[f64::NAN]).0, 0);
    let last = LastIterate.choose(3, &mut |_| panic!("f was asked for"));
    assert_eq!(last.unwrap(), 2);
    assert!(BacktrackedIterate::new(1.0).is_err());
    assert!(WarmStart::new(0.0).is_err());
    assert!(WarmStart::new(1.1).is_err());
    assert!(EmpiricalFisher::new(0.0).is_err());
}

fn these(sampling: &mut dyn Sampling, iteration: usize, l: usize) -> Vec<usize> {
    match sampling.subset(iteration, l).unwrap() {
        Subset::All => (0..l).collect(),
        Subset::These(these) => these.to_vec(),
    }
}

#[test]
fn cyclic_blocks_cover_all_and_wrap_round_to_the_head() {
    let mut cyclic = Cyclic::new(Size::Count(30), 1);
    for round in 0..3 {
        let blocks: Vec<_> = (0..7)
            .map(|k| these(&mut cyclic, 7 * round + k, 200))
            .collect();
        assert!(blocks.iter().all(|b| b.len() == 30));
        let mut order = blocks.concat();
        assert_eq!(order[200..], order[..10]);
        order.truncate(200);
        order.sort_unstable();
        assert_eq!(order, (0..200).collect::<Vec<_>>());
    }
    assert_ne!(these(&mut cyclic, 0, 200), these(&mut cyclic, 7, 200));
}

#[test]
fn subsets_depend_on_the_iteration_alone_and_not_on_the_past() {
    let size = Size::Count(3);
    let make: [fn(Size) -> Box<dyn Sampling>; 3] = [
        |s| Box::new(Cyclic::new(s, 5)),
        |s| Box::new(Fresh::new(s, 5)),
        |s| Box::new(Fixed::new(s, 5)),
    ];
    for make in make {
        let mut from_start = make(size);
        let all: Vec<_> = (0..9).map(|k| these(&mut *from_start, k, 10)).collect();
        let mut resumed = make(size);
        assert_eq!(these(&mut *resumed, 8, 10), all[8]);
        assert_eq!(these(&mut *resumed, 2, 10), all[2]);
        // Another number of examples is another permutation.
        assert!(these(&mut *resumed, 2, 4).iter().all(|&i| i < 4));
    }
}

#[test]
fn fixed_stays_and_fresh_changes() {
    let (mut fixed, mut fresh) = (Fixed::new(Size::Count(5), 2), Fresh::new(Size::Count(5), 2));
    assert_eq!(these(&mut fixed, 0, 50), these(&mut fixed, 9, 50));
    assert_ne!(these(&mut fresh, 0, 50), these(&mut fresh, 1, 50));
    let mut distinct = these(&mut fresh, 0, 50);
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 5);
}

#[test]
fn sizes_are_counts_or_fractions_rounded_up() {
    assert_eq!(Size::Fraction(0.05).of(200).unwrap(), 10);
    assert_eq!(Size::Fraction(0.07).of(100).unwrap(), 7);
    assert_eq!(Size::Fraction(0.05).of(201).unwrap(), 11);
    assert_eq!(Size::Fraction(1e-9).of(10).unwrap(), 1);
    assert_eq!(Size::Fraction(1.0).of(10).unwrap(), 10);
    for bad in [
        Size::Count(0),
        Size::Count(11),
        Size::Fraction(0.0),
        Size::Fraction(1.1),
    ] {
        assert!(bad.of(10).is_err());
    }
    assert!(Size::Fraction(f64::NAN).of(10).is_err());
}

#[test]
fn a_subset_of_all_is_all() {
    assert_eq!(
        Cyclic::new(Size::Count(10), 0).subset(3, 10).unwrap(),
        Subset::All
    );
    assert_eq!(
        Fresh::new(Size::Fraction(1.0), 0).subset(3, 10).unwrap(),
        Subset::All
    );
    assert_eq!(Everything.subset(3, 10).unwrap().size(10), 10);
}

#[test]
fn given_subsets_are_checked() {
    let mut given = Given::new(vec![vec![1, 1], vec![], vec![3]]);
    assert_eq!(these(&mut given, 0, 2), [1, 1]);
    assert!(
        given
            .subset(1, 2)
            .unwrap_err()
            .to_string()
            .contains("empty")
    );
    assert!(
        given
            .subset(2, 3)
            .unwrap_err()
            .to_string()
            .contains("it holds 3")
    );
    assert!(
        given
            .subset(3, 3)
            .unwrap_err()
            .to_string()
            .contains("3 were given")
    );
}
