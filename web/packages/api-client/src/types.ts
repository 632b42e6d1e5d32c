// Names for the generated shapes, so that the app does not spell out where they come from.

import type { components } from './schema';

type Schemas = components['schemas'];

export type ChannelInfo = Schemas['ChannelInfo'];
export type DeclaredLap = Schemas['DeclaredLap'];
export type Gate = Schemas['Gate'];
export type Lap = Schemas['Lap'];
export type LapKind = Schemas['LapKind'];
export type Me = Schemas['Me'];
export type Quality = Schemas['Quality'];
export type Report = Schemas['Report'];
export type Series = Schemas['DataSeries'];
export type SessionDetail = Schemas['SessionDetail'];
export type SessionSummary = Schemas['SessionSummary'];
export type Uploaded = Schemas['UploadAnswer'];
