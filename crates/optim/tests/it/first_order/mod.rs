//! First-order trainers: batches, schedules, how runs go on and end; the rules are in `steps.rs`.

mod steps;

use crate::common::{data, net};
use osculant_layers::{Layers, Network};
use osculant_optim::examples::Labelled;
use osculant_optim::loss::{LogisticLoss, OnLabels, SoftmaxCrossEntropy, SquaredLoss};
use osculant_optim::train::{
    Adam, Batches, Epoch, FirstOrder, Moment, Observer, Outcome, Report, Schedule, Sgd, Smd, State,
    Step, StepRule,
};
use osculant_optim::{Objective, OptimError};
use osculant_tape::Scalar;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

type Outcomes<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn with_objective<T: Scalar, R>(f: impl FnOnce(&Objective<'_, T>, Vec<T>) -> R) -> R {
    let (net, data) = (net::<T>(), data::<T>(38));
    let objective = Objective::new(&net, SquaredLoss, &data).unwrap();
    f(&objective.regularization(50.0).unwrap(), net.init(1))
}

/// The rules, so that each test goes through all of them.
fn rules<T: Scalar>() -> Vec<Box<dyn StepRule<T>>> {
    vec![
        Box::new(Sgd::default().momentum(0.0).unwrap()),
        Box::new(Sgd::default()),
        Box::new(Sgd::default().nesterov()),
        Box::new(Adam::default()),
        Box::new(Adam::default().decoupled_decay(0.1).unwrap()),
        Box::new(Smd::default().memory(0.9).unwrap()),
    ]
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        // Batches are shuffled, so that sums over them round differently.
        assert!((f - e).abs() <= 1e-12 * (1.0 + e.abs()), "{i}: {f} {e}");
    }
}

#[test]
fn the_objective_of_a_subset_is_that_of_a_data_set_of_its_own() -> Outcomes {
    let net = Network::<f32>::new([3], |x| x.dense(5).relu().dense(4))?;
    let theta = net.init(2);
    let inputs: Vec<f32> = (0..60).map(|i| (0.9 * i as f32).sin()).collect();
    let labels: Vec<u32> = (0..20).map(|i| (i * i) % 4).collect();
    let weights: Vec<f64> = (0..20).map(|i| 0.5 + f64::from(i % 3)).collect();
    let of = |examples: &[usize]| -> Outcomes<Labelled<f32>> {
        let inputs = examples
            .iter()
            .flat_map(|&i| inputs[3 * i..3 * i + 3].to_vec());
        let labels = examples.iter().map(|&i| labels[i]).collect();
        let data = Labelled::new([3], inputs.collect(), labels)?;
        Ok(data.with_weights(examples.iter().map(|&i| weights[i]).collect())?)
    };
    let everything: Vec<usize> = (0..20).collect();
    let data = of(&everything)?;
    let whole = Objective::new(&net, SoftmaxCrossEntropy, &data)?.regularization(3.0)?;
    let mut here = vec![f32::NAN; net.len()];
    let mut there = here.clone();
    for examples in [vec![7], vec![19, 0, 5, 5, 11], everything] {
        let data = of(&examples)?;
        let part = Objective::new(&net, SoftmaxCrossEntropy, &data)?.regularization(3.0)?;
        let value = whole.value_and_gradient_on(&examples, &theta, &mut here)?;
        assert_eq!(value, part.value_and_gradient_into(&theta, &mut there)?);
        assert_eq!(here, there);
    }
    let refused = |examples: &[usize], out: &mut [f32]| {
        let refused = whole.value_and_gradient_on(examples, &theta, out);
        refused.unwrap_err().to_string()
    };
    assert!(refused(&[], &mut here).contains("at least one example"));
    assert!(refused(&[3, 20], &mut here).contains("20"));
    assert!(refused(&[3], &mut here[1..]).contains("expected"));
    // The regularizer must not read beyond a θ that is too short.
    assert!(whole.value(&theta[1..]).is_err());
    let huge = vec![1e30f32; net.len()];
    let message = whole.value_and_gradient_on(&[3], &huge, &mut here);
    assert!(message.unwrap_err().to_string().contains("inf"));
    Ok(())
}

#[test]
fn an_epoch_meets_every_example_once_in_an_order_of_its_own() -> Outcomes {
    let epoch = |batches: &mut Batches, epoch| -> Vec<Vec<usize>> {
        batches.epoch(epoch, 50).map(<[usize]>::to_vec).collect()
    };
    let mut batches = Batches::new(8, 3)?;
    assert_eq!(batches.per_epoch(50), 7);
    let first = epoch(&mut batches, 0);
    let sizes: Vec<_> = first.iter().map(Vec::len).collect();
    assert_eq!(sizes, [8, 8, 8, 8, 8, 8, 2]);
    let mut met = first.concat();
    met.sort_unstable();
    assert_eq!(met, (0..50).collect::<Vec<_>>());
    let orders: BTreeSet<_> = (0..20).map(|e| epoch(&mut batches, e).concat()).collect();
    assert_eq!(orders.len(), 20);
    // Whatever was asked for before.
    assert_eq!(epoch(&mut batches, 0), first);
    assert_eq!(epoch(&mut Batches::new(8, 3)?, 0), first);
    assert_ne!(epoch(&mut Batches::new(8, 4)?, 0), first);
    // A batch larger than the data holds all of it.
    assert_eq!(Batches::new(80, 3)?.epoch(0, 50).count(), 1);
    Ok(())
}

#[test]
fn schedules_follow_their_formulas() -> Outcomes {
    let constant = Schedule::constant(0.8)?;
    assert_eq!((constant.rate(0, 0), constant.rate(99, 9999)), (0.8, 0.8));
    let stepwise = constant.stepwise(3, 0.5)?;
    let rates: Vec<_> = (0..7).map(|epoch| stepwise.rate(epoch, 0)).collect();
    assert_eq!(rates, [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]);
    let cosine = constant.cosine(4, 0.2)?;
    let rates: Vec<_> = (0..7).map(|epoch| cosine.rate(epoch, 0)).collect();
    let bend = 0.3 * 2f64.sqrt() / 2.0;
    close(&rates, &[0.8, 0.5 + bend, 0.5, 0.5 - bend, 0.2, 0.2, 0.2]);
    let inverse = constant.inverse(0.5)?;
    close(&[inverse.rate(0, 0), inverse.rate(2, 0)], &[0.8, 0.4]);
    let warm = stepwise.warm_up(3);
    let rates: Vec<_> = (0..7).map(|epoch| warm.rate(epoch, 0)).collect();
    close(&rates, &[0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.4]);
    let by_step = inverse.by_step();
    close(&[by_step.rate(7, 0), by_step.rate(7, 2)], &[0.8, 0.4]);
    assert!(constant.is_constant() && !warm.is_constant() && !cosine.is_constant());
    Ok(())
}

#[test]
fn the_learning_rate_of_each_step_is_the_schedules() {
    struct Rates;
    impl StepRule<f64> for Rates {
        fn name(&self) -> &'static str {
            "rates"
        }
        fn usual_rate(&self) -> f64 {
            1.0
        }
        fn step(&self, at: &mut Step<'_, f64>) -> Result<(), OptimError> {
            at.theta[at.number - 1] = at.rate;
            Ok(())
        }
    }
    with_objective(|objective, theta| {
        let schedule = Schedule::constant(0.9)
            .unwrap()
            .inverse(1.0)
            .unwrap()
            .by_step();
        let trainer = FirstOrder::new(Rates).epochs(3).schedule(schedule);
        let trainer = trainer.batches(Batches::new(20, 0).unwrap());
        let report = trainer.train(objective, theta).unwrap();
        let expected: Vec<f64> = (0..6).map(|t| 0.9 / (1.0 + f64::from(t))).collect();
        assert_eq!(report.theta[..6], expected);
        assert_eq!(report.iterations[2].learning_rate, expected[5]);
    });
}

/// Keeps every state.
struct Keep<T>(Vec<State<T>>);

impl<T: Scalar> Observer<T> for Keep<T> {
    fn epoch(&mut self, at: &Moment<'_, T, Epoch>) -> ControlFlow<()> {
        assert_eq!(at.state().theta, at.theta);
        assert_eq!(at.state().iteration, at.record.number);
        self.0.push(at.state());
        ControlFlow::Continue(())
    }
}

const EPOCHS: usize = 5;

fn trainer<T: Scalar>(rule: Box<dyn StepRule<T>>) -> FirstOrder<Box<dyn StepRule<T>>> {
    let schedule = Schedule::constant(0.03).unwrap();
    let schedule = if rule.name() == "smd" {
        schedule
    } else {
        schedule.warm_up(3).cosine(7, 0.0).unwrap().by_step()
    };
    let batches = Batches::new(16, 2).unwrap();
    FirstOrder::new(rule)
        .epochs(EPOCHS)
        .batches(batches)
        .schedule(schedule)
}

fn resumed_runs_agree<T: Scalar>() {
    with_objective(|objective: &Objective<'_, T>, theta| {
        for k in 0..rules::<T>().len() {
            let trainer = || trainer(rules::<T>().swap_remove(k));
            let mut keep = Keep(Vec::new());
            let whole = trainer()
                .train_observed(objective, theta.clone(), &mut keep)
                .unwrap();
            assert_eq!(whole.outcome, Outcome::Iterations);
            assert_eq!((whole.done(), keep.0.len()), (EPOCHS, EPOCHS));
            assert!(whole.value < objective.value(&theta).unwrap(), "rule {k}");
            for (epoch, state) in keep.0.into_iter().enumerate() {
                let rest = trainer().resume(objective, state, &mut ()).unwrap();
                assert_eq!(rest.theta, whole.theta, "rule {k}, from {epoch}");
                assert_eq!(rest.iterations, whole.iterations[epoch + 1..]);
                let totals = |r: &Report<T, Epoch>| (r.products, r.evaluations, r.done());
                assert_eq!(totals(&rest), totals(&whole));
                assert_eq!(rest.state(), whole.state());
            }
        }
    });
}

#[test]
fn a_resumed_run_has_the_bits_of_an_uninterrupted_one_in_f32() {
    resumed_runs_agree::<f32>();
}

#[test]
fn a_resumed_run_has_the_bits_of_an_uninterrupted_one_in_f64() {
    resumed_runs_agree::<f64>();
}

#[test]
fn counts_are_those_of_the_steps() {
    with_objective(|objective: &Objective<'_, f64>, theta| {
        for rule in rules::<f64>() {
            let per_step = usize::from(rule.name() == "smd");
            let report = trainer(rule).train(objective, theta.clone()).unwrap();
            // 38 examples in batches of 16.
            assert_eq!(report.evaluations, 3 * EPOCHS);
            assert_eq!(report.products, 3 * EPOCHS * per_step);
            let epoch = &report.iterations[1];
            assert_eq!((epoch.number, epoch.steps, epoch.evaluations), (2, 3, 3));
        }
    });
}

#[test]
fn any_number_of_threads_gives_the_same_bits() -> Outcomes {
    // 68,000 parameters and 40 examples: enough work for threads, in sums and in steps.
    let net = Network::<f32>::new([60], |x| x.dense(600).tanh().dense(50))?;
    let inputs: Vec<f32> = (0..40 * 60).map(|i| (0.3 * i as f32).sin()).collect();
    let data = Labelled::new([60], inputs, (0..40).collect())?;
    let objective = Objective::new(&net, OnLabels(LogisticLoss), &data)?.regularization(10.0)?;
    for k in 0..rules::<f32>().len() {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let trainer = trainer(rules::<f32>().swap_remove(k)).epochs(2);
            pool.install(|| trainer.train(&objective, net.init(3)).unwrap())
        };
        let one = on(1);
        assert!(one.theta.iter().all(|t| t.is_finite()));
        for threads in [2, 5] {
            let more = on(threads);
            assert_eq!(more.theta, one.theta, "rule {k}, {threads} threads");
            assert_eq!(more.iterations, one.iterations);
        }
    }
    Ok(())
}

#[test]
fn a_learning_rate_that_is_too_large_ends_as_diverged_with_the_last_good_theta() {
    fn diverges<T: Scalar>(k: usize, large: f64) {
        with_objective(|objective: &Objective<'_, T>, theta| {
            let rule = rules::<T>().swap_remove(k);
            let name = rule.name();
            let rate = if name == "adam" { large } else { 1e3 };
            let trainer = FirstOrder::new(rule).epochs(2000).rate(rate).unwrap();
            let mut keep = Keep(Vec::new());
            let report = trainer
                .train_observed(objective, theta.clone(), &mut keep)
                .unwrap();
            assert_eq!(report.outcome, Outcome::Diverged, "{name}");
            assert!(report.outcome.to_string().contains("smaller learning rate"));
            assert!(report.theta.iter().all(|t| t.is_finite()), "{name}");
            // f at the last state may be the first that is not finite.
            let mut gradient = theta.clone();
            let mut good = |state: &&State<T>| {
                let value = objective.value_and_gradient_into(&state.theta, &mut gradient);
                value.is_ok()
            };
            let last = keep.0.iter().rev().find(&mut good);
            let expected = last.map_or(&theta, |state| &state.theta);
            assert_eq!(report.theta, *expected, "{name}");
            assert!(report.value.is_finite(), "{name}: {}", report.value);
            assert!(report.gradient_norm.is_finite(), "{name}");
            assert_eq!(report.done(), report.iterations.len(), "{name}");
            if let Some(last) = last {
                assert_eq!(report.state(), *last, "{name}");
            }
            // What it leaves can be resumed, at a rate of more sense.
            let again = FirstOrder::new(rules::<T>().swap_remove(k))
                .rate(1e-9)
                .unwrap();
            let again = again.epochs(report.done() + 1);
            again.resume(objective, report.state(), &mut ()).unwrap();
        });
    }
    for k in 0..rules::<f64>().len() {
        diverges::<f64>(k, 1e300);
        diverges::<f32>(k, 1e37);
    }
}

#[test]
fn a_run_whose_last_step_diverges_gives_a_theta_where_f_is_finite() {
    with_objective(|objective: &Objective<'_, f64>, theta| {
        for k in 0..rules::<f64>().len() {
            for batch in [13, 38] {
                let trainer = |epochs| {
                    let rule = rules::<f64>().swap_remove(k);
                    let rate = if rule.name() == "adam" { 1e300 } else { 1e3 };
                    let trainer = FirstOrder::new(rule).rate(rate).unwrap();
                    trainer
                        .batches(Batches::new(batch, 0).unwrap())
                        .epochs(epochs)
                };
                let long = trainer(2000).train(objective, theta.clone()).unwrap();
                assert_eq!(long.outcome, Outcome::Diverged);
                // The epoch after the last good θ is the last of all.
                let short = trainer(long.done() + 1);
                let short = short.train(objective, theta.clone()).unwrap();
                let watched = trainer(2000).gradient_tolerance(0.0);
                let watched = watched.train(objective, theta.clone()).unwrap();
                for report in [&long, &short, &watched] {
                    assert_eq!(report.outcome, Outcome::Diverged, "rule {k}");
                    assert!(report.value.is_finite() && report.gradient_norm.is_finite());
                    assert_eq!(report.theta, long.theta, "rule {k}");
                    assert_eq!(report.iterations.len(), long.done());
                }
            }
        }
    });
}

#[test]
fn a_step_may_end_the_run_and_the_last_whole_epoch_stays() {
    #[derive(Default)]
    struct InTheMiddle {
        done: usize,
        theta: Vec<f64>,
    }
    impl Observer<f64> for InTheMiddle {
        fn epoch(&mut self, at: &Moment<'_, f64, Epoch>) -> ControlFlow<()> {
            (self.done, self.theta) = (at.record.number, at.theta.to_vec());
            ControlFlow::Continue(())
        }
        fn step(&mut self, number: usize, bound: usize) -> ControlFlow<()> {
            assert!(number <= bound && bound == 3);
            if self.done == 2 && number == 2 {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
    }
    with_objective(|objective, theta| {
        for k in 0..rules::<f64>().len() {
            let trainer = || trainer(rules::<f64>().swap_remove(k));
            let whole = trainer().train(objective, theta.clone()).unwrap();
            let mut middle = InTheMiddle::default();
            let part = trainer()
                .train_observed(objective, theta.clone(), &mut middle)
                .unwrap();
            assert_eq!((part.outcome, part.done()), (Outcome::Stopped, 2));
            assert_eq!(part.theta, middle.theta);
            let rest = trainer().resume(objective, part.state(), &mut ()).unwrap();
            assert_eq!(rest.theta, whole.theta);
        }
    });
}

#[test]
fn a_small_gradient_ends_the_run_where_that_was_asked_for() {
    with_objective(|objective: &Objective<'_, f64>, theta| {
        let trainer = || {
            let batches = Batches::new(objective.len(), 0).unwrap();
            FirstOrder::new(Sgd::default())
                .epochs(500)
                .batches(batches)
                .rate(0.1)
                .unwrap()
        };
        let report = trainer()
            .gradient_tolerance(1e-3)
            .train(objective, theta.clone())
            .unwrap();
        assert_eq!(report.outcome, Outcome::Converged);
        assert!(report.gradient_norm <= 1e-3 && report.done() > 0);
        let last = report.iterations.last().unwrap();
        assert_eq!(last.gradient_norm, Some(report.gradient_norm));
        let earlier = &report.iterations[..report.done() - 1];
        assert!(
            earlier
                .iter()
                .all(|e| e.gradient_norm.is_some_and(|g| g > 1e-3))
        );
        let report = trainer().epochs(1).train(objective, report.theta).unwrap();
        assert_eq!(report.iterations[0].gradient_norm, None);
    });
}

#[test]
fn a_vector_that_a_rule_does_not_keep_is_refused() {
    struct Beyond;
    impl StepRule<f64> for Beyond {
        fn name(&self) -> &'static str {
            "beyond"
        }
        fn usual_rate(&self) -> f64 {
            1.0
        }
        fn step(&self, at: &mut Step<'_, f64>) -> Result<(), OptimError> {
            at.curvature_times(2)
        }
    }
    with_objective(|objective, theta| {
        let error = FirstOrder::new(Beyond).train(objective, theta).unwrap_err();
        assert!(error.to_string().contains("the rule's vector is 2"));
    });
    StepRule::<f64>::begin(&Smd::default(), 0.1, &mut []);
}

#[test]
fn options_and_states_without_meaning_are_refused() {
    let constant = Schedule::constant(0.1).unwrap();
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Schedule::constant(rate).is_err());
        assert!(FirstOrder::new(Sgd::default()).rate(rate).is_err());
    }
    assert!(constant.stepwise(0, 0.5).is_err());
    assert!(constant.stepwise(1, 1.5).is_err());
    assert!(constant.cosine(0, 0.0).is_err());
    assert!(constant.cosine(5, 0.2).is_err());
    assert!(constant.cosine(5, f64::NAN).is_err());
    assert!(constant.inverse(-1.0).is_err());
    assert!(Sgd::default().momentum(1.0).is_err());
    assert!(Sgd::default().momentum(f64::NAN).is_err());
    assert!(Adam::default().betas(0.9, 1.0).is_err());
    assert!(Adam::default().epsilon(0.0).is_err());
    assert!(Adam::default().decoupled_decay(-0.1).is_err());
    assert!(Smd::default().meta_rate(f64::NAN).is_err());
    assert!(Smd::default().memory(1.5).is_err());
    assert!(Batches::new(0, 1).is_err());
    with_objective(|objective: &Objective<'_, f64>, theta| {
        let message = |result: Result<Report<f64, Epoch>, OptimError>| {
            result.err().map(|e| e.to_string()).unwrap_or_default()
        };
        let smd = FirstOrder::new(Smd::default()).schedule(constant.inverse(1.0).unwrap());
        assert!(message(smd.train(objective, theta.clone())).contains("not constant"));
        let short = FirstOrder::new(Sgd::default()).train(objective, theta[1..].to_vec());
        assert!(message(short).contains("theta"));
        for tolerance in [-1.0, f64::NAN, f64::INFINITY] {
            let sgd = FirstOrder::new(Sgd::default()).gradient_tolerance(tolerance);
            assert!(message(sgd.train(objective, theta.clone())).contains("gradient tolerance"));
        }
        let adam = FirstOrder::new(Adam::default()).epochs(1);
        let state = adam.train(objective, theta.clone()).unwrap().state();
        let sgd = FirstOrder::new(Sgd::default()).resume(objective, state.clone(), &mut ());
        assert!(message(sgd).contains("adam"));
        let mut lacking = state.clone();
        lacking.vectors.clear();
        let adam = FirstOrder::new(Adam::default()).resume(objective, lacking, &mut ());
        assert!(message(adam).contains("first_moment"));
        let mut broken = state;
        broken.theta[3] = f64::NAN;
        let adam = FirstOrder::new(Adam::default()).resume(objective, broken, &mut ());
        assert!(message(adam).contains("NaN"));
    });
}
