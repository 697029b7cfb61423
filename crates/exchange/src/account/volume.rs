//! Traded volume by day, and the fee tier that thirty days of it give (F1).

use crate::formula::fee::tier_of;
use crate::state::key::VolumeKey;
use crate::state::leaves::{VOLUME_DAYS, VolumeHistory};
use crate::state::{State, Touch};
use lockstep_types::ids::AccountId;
use lockstep_types::units::Usd;

impl State {
    /// Moves on to a new day: files the day before and sets the tier for the new one.
    #[cold]
    pub(crate) fn roll_volume(&mut self, id: AccountId, today: i64) -> Touch<()> {
        let days_max = i64::try_from(VOLUME_DAYS).unwrap_or(i64::MAX);
        let slot = |day: i64| usize::try_from(day.rem_euclid(days_max)).unwrap_or(0);
        let account = *self.account(id)?;
        let empty = VolumeHistory { days: [0; VOLUME_DAYS] };
        let history = self.volumes.touch(VolumeKey(id))?.get_or_insert(empty);
        history.days[slot(account.volume_day)] = account.volume_today.0;
        // Days without a trade had none.
        for day in 1..(today - account.volume_day).min(days_max) {
            history.days[slot(account.volume_day + day)] = 0;
        }
        let sum = history.days.iter().fold(0_i64, |sum, day| sum.saturating_add(*day));
        // The slot that today will use holds the day that leaves the window.
        history.days[slot(today)] = 0;
        let tiers = &self.venue()?.fee_tiers;
        let reached = tier_of(tiers, sum).copied();
        let tier = tiers.iter().position(|tier| Some(*tier) == reached).unwrap_or(0);
        let account = self.account(id)?;
        account.tier = u8::try_from(tier).unwrap_or(0);
        account.volume_day = today;
        account.volume_today = Usd::ZERO;
        Ok(())
    }
}
