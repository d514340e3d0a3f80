import type { ByteText } from '../../base/byte-text.ts';
import type { ControlWord } from '../control.ts';
import { SecLangReason } from '../seclang/reason.ts';
import type { RequestState } from '../state.ts';

/** `ctl:requestBodyAccess=Off`: the body of this request is not looked at. */
export const requestBodyAccess = onOff('requestBodyAccess', (state, isOn) => {
  state.requestBodyAccess = isOn;
});

/** `ctl:responseBodyAccess=Off`: the answer's body is not looked at. */
export const responseBodyAccess = onOff('responseBodyAccess', (state, isOn) => {
  state.responseBodyAccess = isOn;
});

/** `ctl:forceRequestBodyVariable=On`: REQUEST_BODY is there, whatever processes the body. */
export const forceRequestBodyVariable = onOff('forceRequestBodyVariable', (state, isOn) => {
  state.forcesRequestBody = isOn;
  state.gate?.forget();
});

function onOff(name: string, set: (state: RequestState, isOn: boolean) => void): ControlWord {
  return {
    name,
    compile: (value) => {
      const isOn = readOnOff(name, value);
      return (state) => set(state, isOn);
    },
  };
}

function readOnOff(name: string, value: ByteText): boolean {
  const lower = value.toLowerCase();
  if (lower !== 'on' && lower !== 'off') throw new SecLangReason(`ctl:${name}=${value} is neither On nor Off`);
  return lower === 'on';
}
