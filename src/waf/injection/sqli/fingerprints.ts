export const FINGERPRINTS = `
`;
